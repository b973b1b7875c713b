'use strict';
// The whole page: takes the token out of the address, listens to the node, and shows what it says. Nothing a peer said becomes markup: text nodes only.
(() => {
  const find = id => document.getElementById(id);
  const MiB = 2 ** 20, GiB = 2 ** 30, HISTORY = 600_000;

  // Words and numbers.
  const number = (value, digits) => value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const size = bytes => bytes >= 2 ** 40 ? `${number(bytes / 2 ** 40, 2)} TiB` : bytes >= GiB ? `${number(bytes / GiB, 2)} GiB`
    : bytes >= MiB ? `${number(bytes / MiB, 1)} MiB` : bytes >= 1024 ? `${number(bytes / 1024, 1)} KiB` : `${bytes} B`;
  const rate = bits => `${number(bits / 1e6, bits < 1e8 ? 1 : 0)} Mbit/s`;
  const credits = value => value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: Math.abs(value) < 1 ? 6 : 2 });
  const duration = seconds => seconds >= 86400 ? `${Math.floor(seconds / 86400)} d ${Math.floor(seconds % 86400 / 3600)} h`
    : seconds >= 3600 ? `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`
    : seconds >= 60 ? `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
  const time = ms => new Date(ms).toISOString().replace('T', ' ').slice(0, 19) + ' UTC';
  const short = id => id.length > 14 ? '…' + id.slice(-10) : id;
  const plural = (count, noun) => `${number(count, 0)} ${noun}${count === 1 ? '' : 's'}`;

  function make(tag, text, name) {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  }

  // Only what has changed is touched, so that a reader is not told the same again and a selection stays.
  function say(id, text) {
    const element = find(id);
    if (element.textContent !== text) element.textContent = text;
  }

  /** Fills a table: cells of [text, class, title] under its own headings. */
  function fill(id, rows) {
    const table = find(id), body = table.tBodies[0];
    const names = [...table.tHead.rows[0].cells].map(cell => cell.querySelector('.unseen') ? '' : cell.textContent);
    while (body.rows.length > rows.length) body.deleteRow(-1);
    rows.forEach((cells, i) => {
      const row = body.rows[i] ?? body.insertRow();
      cells.forEach((content, j) => {
        const [text, name, title] = Array.isArray(content) ? content : [content];
        const cell = row.cells[j] ?? row.insertCell();
        cell.dataset.name = names[j];
        if (name && cell.className !== name) cell.className = name;
        if (title && cell.title !== title) cell.title = title;
        if (text instanceof Node) cell.replaceChildren(text);
        else if (cell.textContent !== text) cell.textContent = text;
      });
    });
    table.hidden = rows.length === 0;
    const empty = find(`${id}-empty`);
    if (empty) empty.hidden = rows.length !== 0;
  }

  // The way in: the token is exchanged for a cookie that scripts cannot read, and leaves the address bar.
  let base = null;
  const PLACE = 'overlay-base';

  async function open() {
    const token = new URLSearchParams(location.hash.slice(1)).get('token');
    if (token) {
      history.replaceState(null, '', location.pathname);
      const answer = await fetch('/session', { method: 'POST', body: token });
      if (!answer.ok) return close('This address is of another run of the node. Open the one that it printed when it started.');
      base = (await answer.json()).base;
      sessionStorage.setItem(PLACE, base);
    } else base = sessionStorage.getItem(PLACE);
    if (!base) return close('Open the address that the node printed when it started; it ends in a token.');
    listen();
  }

  function close(text) {
    state('Closed', 'bad');
    find('notice').hidden = false;
    say('notice', text);
    document.querySelectorAll('.needs-data').forEach(section => { if (!model) section.hidden = true; });
  }

  function state(text, name) {
    say('state', text);
    find('state').className = `pill ${name}`;
  }

  // The node's voice.
  let model = null, source = null, lastHeard = 0;

  function listen() {
    source = new EventSource(`${base}events`);
    source.onmessage = event => {
      lastHeard = performance.now();
      model = JSON.parse(event.data);
      find('notice').hidden = true;
      show();
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED)
        close('The node does not take this page: it was started again, or eight pages are open already. Open the address that it printed.');
      else state('Lost, trying again…', 'bad');
    };
  }

  setInterval(() => {
    if (model && source.readyState === EventSource.OPEN && performance.now() - lastHeard > 5000) state('No news for a while', 'bad');
  }, 2000);

  async function send(name, body) {
    const answer = await fetch(base + name, { method: 'POST', body: body === undefined ? '' : JSON.stringify(body) });
    if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.error ?? `The node answered ${answer.status}.`);
  }

  function show() {
    const m = model;
    say('peer-id', m.peerId);
    const paused = m.controls?.paused;
    if (paused) state('Paused', '');
    else if (m.controls?.state) state(m.controls.state, '');
    else if (m.shares) state('Sharing', 'good');
    else state('Running', 'good');

    rates(m);
    say('earned', credits(m.earnings.soFar));
    say('earned-note', m.earnings.spent > 0 ? `and ${credits(m.earnings.spent)} spent` : 'by receipts that both sides have signed');
    const known = m.earnings.low !== null;
    say('month', known ? `${credits(m.earnings.low)} – ${credits(m.earnings.high)}` : 'not known yet');
    find('month-unit').hidden = !known;
    say('month-note', known ? 'if it goes on as it has been' : '');
    say('basis', m.earnings.basis);
    say('risk', credits(m.atRisk.credits));
    say('risk-note', `the most that is lost if all leave now: ${size(m.atRisk.bytes)} not signed for`);
    say('uptime', duration(m.uptimeSeconds));
    say('uptime-note', m.shares ? `${m.shares.region}, ${credits(m.shares.pricePerGiB)} credits a GiB` : 'shares nothing');
    find('uptime-note').previousElementSibling.title = `since ${time(m.now - m.uptimeSeconds * 1000)}`;

    steps(m);
    controls(m);
    say('session-count', m.sessionCount ? `(${number(m.sessionCount, 0)}${m.sessionCount > m.sessions.length ? `, of which ${m.sessions.length} are shown` : ''})` : '');
    fill('sessions', m.sessions.map(s => [
      [short(s.consumer), 'mono', s.consumer], [size(s.down), 'n'], [size(s.up), 'n'], [size(s.unpaid), 'n'], [credits(s.pricePerGiB), 'n'],
      [duration(Math.max(0, m.now - s.since) / 1000), 'n', time(s.since)]]));
    find('refusals-panel').hidden = m.refusals === null;
    if (m.refusals) fill('refusals', m.refusals.map(r => [time(r.at), r.what, r.reason, [number(r.count, 0), 'n']]));
    say('peer-count', `(${number(m.peers.count, 0)})`);
    say('reachability', m.peers.reachability);
    fill('peers', m.peers.list.map(p => [
      [short(p.id), 'mono', `${p.id} ${p.software} ${p.address ?? ''}`], p.direction || 'seen only', [p.milliseconds === null ? '' : `${number(p.milliseconds, 1)} ms`, 'n']]));
    fill('regions', m.regions.map(r => [
      r.region, [`${r.demands}${r.wanted ? ` for ${size(r.wanted)}` : ''}`, 'n'], [r.medianMaxPrice === null ? '' : credits(r.medianMaxPrice), 'n'],
      [String(r.offers), 'n'], [r.medianPrice === null ? '' : credits(r.medianPrice), 'n']]));
    say('addresses', m.addresses.length ? `It listens at ${m.addresses.map(a => a.replace(/\/p2p\/.*/, '')).join(', ')}.` : '');
  }

  // Rates: a chart to see, a sentence and a table to read.
  let points = [], spoken = 0;

  function rates(m) {
    const newest = points.length ? points[points.length - 1].to : 0;
    points.push(...m.rates.filter(r => r.to > newest));
    points = points.filter(p => p.to > m.now - HISTORY);
    const last = points[points.length - 1];
    if (!last) return;
    say('rate', rate(last.down + last.up));
    say('rate-note', `${rate(last.down)} to consumers, ${rate(last.up)} from them`);

    const most = Math.max(1e5, ...points.map(p => Math.max(p.down, p.up))), top = nice(most * 1.05);
    const x = at => Math.max(0, 600 - (m.now - at) / HISTORY * 600).toFixed(1), y = bits => (140 - bits / top * 138).toFixed(1);
    // Where nothing was heard for a while there is no line.
    const parts = [];
    points.forEach((p, i) => { if (i === 0 || p.from - points[i - 1].to > 1500) parts.push([p]); else parts[parts.length - 1].push(p); });
    const line = (part, key) => part.map(p => `L${x(p.from)} ${y(p[key])}L${x(p.to)} ${y(p[key])}`).join('');
    const draw = (id, path) => find(id).setAttribute('d', parts.map(path).join(''));
    draw('chart-area', part => `M${x(part[0].from)} 140${line(part, 'down')}L${x(part[part.length - 1].to)} 140Z`);
    draw('chart-down', part => 'M' + line(part, 'down').slice(1));
    draw('chart-up', part => 'M' + line(part, 'up').slice(1));
    say('chart-top', `top: ${rate(top)}`);

    // Seldom: a reader who stands here is not to be talked over every second.
    if (m.now - spoken < 10_000) return;
    spoken = m.now;
    const average = key => {
      let bits = 0, length = 0;
      for (const p of points) { const from = Math.max(p.from, m.now - HISTORY); bits += p[key] * (p.to - from); length += p.to - from; }
      return length ? bits / length : 0;
    };
    say('chart-words', `On average ${rate(average('down') + average('up'))}, at most ${rate(Math.max(...points.map(p => p.down + p.up)))}.`);
    if (find('minutes').closest('details').open) minutes();
  }

  function nice(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 5, 10].map(step => step * power).find(step => step >= value);
  }

  function minutes() {
    const body = find('minutes'), now = model.now;
    const rows = [];
    for (let minute = 0; minute < 10; minute++) {
      const from = now - (minute + 1) * 60_000, to = now - minute * 60_000;
      let down = 0, up = 0, length = 0;
      for (const p of points) {
        const overlap = Math.min(p.to, to) - Math.max(p.from, from);
        if (overlap > 0) { down += p.down * overlap; up += p.up * overlap; length += overlap; }
      }
      if (length > 0) rows.push([minute === 0 ? 'the last' : `${minute} min before`, rate(down / length), rate(up / length)]);
    }
    body.replaceChildren(...rows.map(cells => {
      const row = make('tr');
      cells.forEach((text, i) => row.append(make(i === 0 ? 'th' : 'td', text, i === 0 ? '' : 'n')));
      row.firstChild.scope = 'row';
      return row;
    }));
  }

  function steps(m) {
    find('steps-note').hidden = m.bytesComplete;
    const list = find('steps');
    while (list.children.length > m.bytes.length) list.lastChild.remove();
    const whole = Math.max(1, m.bytes[0]?.value ?? 0);
    m.bytes.forEach((step, i) => {
      let item = list.children[i];
      if (!item) {
        item = make('li');
        const name = make('p', undefined, 'name'), bar = make('div', undefined, 'bar'), why = make('p', undefined, 'note');
        name.append(make('span'), make('span', undefined, 'value'));
        const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg'), rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
        svg.setAttribute('aria-hidden', 'true');
        rect.setAttribute('height', '100%');
        svg.append(rect);
        bar.append(svg);
        why.append(make('span', undefined, 'missing'), make('span'));
        item.append(name, bar, why);
        list.append(item);
      }
      const [name, value] = item.querySelectorAll('.name span'), [missing, why] = item.querySelectorAll('.note span');
      for (const [element, text] of [[name, step.name], [value, size(step.value)], [missing, step.missing ? `${size(step.missing)} fewer.` : ''], [why, step.why]])
        if (element.textContent !== text) element.textContent = text;
      item.querySelector('rect').setAttribute('width', `${(step.value / whole * 100).toFixed(2)}%`);
    });
  }

  // Limits: sliders that go by steps one can hear, the last of which is none.
  const RATES = [1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 2500, 5000, 10000];
  const SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1024, 2048, 5120, 10240, 20480, 51200];
  const whole = v => v >= 1024 ? `${number(v / 1024, v % 1024 ? 1 : 0)} TiB` : `${number(v, v % 1 ? 1 : 0)} GiB`;
  const SLIDERS = [
    ['maxUpload', 'Upload', RATES, v => `${number(v, v % 1 ? 1 : 0)} Mbit/s`], ['maxDownload', 'Download', RATES, v => `${number(v, v % 1 ? 1 : 0)} Mbit/s`],
    ['dailyQuota', 'In a day', SIZES, v => whole(v)], ['monthlyQuota', 'In a month', SIZES, v => whole(v)],
  ].map(([key, name, marks, words]) => ({ key, name, marks, words }));
  let caps = null, held = null;

  function controls(m) {
    find('limits').hidden = find('pause').hidden = m.controls === null;
    if (m.controls === null) return;
    const pause = find('pause');
    pause.setAttribute('aria-pressed', String(m.controls.paused));
    say('pause', m.controls.paused ? 'Resume sharing' : 'Pause sharing');
    caps = m.controls.caps;
    for (const slider of SLIDERS) {
      if (!slider.input) build(slider);
      if (held !== slider.key) place(slider, caps[slider.key]);
    }
  }

  function build(slider) {
    const box = make('div', undefined, 'slider'), label = make('label'), input = make('input'), output = make('output');
    input.type = 'range';
    input.id = `cap-${slider.key}`;
    input.min = '0';
    input.max = String(slider.marks.length);
    label.htmlFor = output.htmlFor = input.id;
    label.append(make('span', slider.name), output);
    box.append(label, input);
    find('sliders').append(box);
    Object.assign(slider, { input, output });
    input.addEventListener('input', () => { held = slider.key; words(slider, slider.marks[input.value] ?? null); });
    input.addEventListener('change', async () => {
      const wanted = { ...caps, [slider.key]: slider.marks[input.value] ?? null };
      try {
        await send('limits', wanted);
        caps = wanted;
        say('limits-said', `${slider.name}: ${slider.output.textContent}.`);
      } catch (error) {
        say('limits-said', `Not changed. ${error.message}`);
      }
      if (held === slider.key) held = null;
    });
  }

  function place(slider, value) {
    const mark = value === null ? slider.marks.length : slider.marks.findIndex(m => m >= value * 0.999);
    const at = String(mark < 0 ? slider.marks.length - 1 : mark);
    if (slider.input.value !== at) slider.input.value = at;
    words(slider, value);
  }

  function words(slider, value) {
    const text = value === null ? 'no limit' : slider.words(value);
    if (slider.output.textContent === text) return;
    slider.output.textContent = text;
    slider.input.setAttribute('aria-valuetext', text);
  }

  find('pause').addEventListener('click', async () => {
    const name = find('pause').getAttribute('aria-pressed') === 'true' ? 'resume' : 'pause';
    try { await send(name); } catch (error) { find('notice').hidden = false; say('notice', error.message); }
  });

  // The ledger: sessions, receipts, and all that a receipt says. A page at a time, when asked.
  async function ask(path) {
    const answer = await fetch(base + path);
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    return told;
  }

  async function guarded(work) {
    say('ledger-said', '');
    try { await work(); } catch (error) { say('ledger-said', `The ledger could not be read. ${error.message}`); }
  }

  const loadSessions = before => guarded(async () => {
    const page = await ask(before ? `sessions?before=${before}` : 'sessions');
    fill('ledger-sessions', page.rows.map(s => {
      const button = make('button', 'Receipts');
      button.type = 'button';
      button.setAttribute('aria-label', `Receipts of the session with ${short(s.counterparty)} opened ${time(s.openedAt)}`);
      button.addEventListener('click', () => loadReceipts(s, null, button));
      return [time(s.openedAt), s.role === 'provider' ? 'sold' : 'bought', [short(s.counterparty), 'mono', s.counterparty], s.state, [size(s.up + s.down), 'n'], [button, 'n']];
    }));
    find('ledger-empty').hidden = page.rows.length > 0;
    find('ledger-load').textContent = 'Refresh';
    pages('ledger', before, page.before, loadSessions);
    say('ledger-said', page.rows.length ? `${plural(page.rows.length, 'session')} shown.` : '');
  });

  const loadReceipts = (session, before, from) => guarded(async () => {
    const page = await ask(`receipts?session=${session.id}${before ? `&before=${before}` : ''}`);
    find('ledger-list').hidden = true;
    find('receipts-view').hidden = false;
    say('receipts-title', `Receipts of session ${session.id.slice(0, 12)} with ${short(session.counterparty)}`);
    find('receipts').replaceChildren(...page.rows.map(receipt));
    find('receipts-empty').hidden = page.rows.length > 0;
    pages('receipts', before, page.before, next => loadReceipts(session, next, null));
    if (from) { opener = from; find('receipts-title').focus(); }
  });
  let opener = null;

  function receipt(r) {
    const item = make('li'), details = make('details'), summary = make('summary'), list = make('dl');
    details.className = 'receipt';
    summary.append(make('span', `${time(r.issuedAt)}`), make('span', `leg ${r.leg}, receipt ${r.sequence}${r.final ? ', the last' : ''}`),
      make('span', size(r.up + r.down)), make('span', `${credits(r.credits)} credits`));
    const facts = [
      ['To the consumer', `${number(r.down, 0)} bytes`], ['From the consumer', `${number(r.up, 0)} bytes`], ['Price', `${credits(r.pricePerGiB)} credits a GiB`],
      ['Amount', `${credits(r.credits)} credits`], ['Signed by', r.countersigned ? 'both sides' : 'the consumer only'], ['Hour', time(r.epoch * 3600000)],
      ['Provider', r.provider], ['Consumer', r.consumer], ['Commitment', r.commitment], ['Hash', r.hash], ['Hash of the one before', r.previousHash],
    ];
    for (const [name, value] of facts) list.append(make('dt', name), make('dd', value, value.length > 40 ? 'mono' : ''));
    details.append(summary, list);
    item.append(details);
    return item;
  }

  function pages(name, before, next, load) {
    find(`${name}-pages`).hidden = !before && next === null;
    const first = find(`${name}-first`), older = find(`${name}-older`);
    first.disabled = !before;
    older.disabled = next === null;
    first.onclick = () => load(null);
    older.onclick = () => load(next);
  }

  find('ledger-load').addEventListener('click', () => loadSessions(null));
  find('receipts-back').addEventListener('click', () => {
    find('receipts-view').hidden = true;
    find('ledger-list').hidden = false;
    (opener?.isConnected ? opener : find('ledger-load')).focus();
  });
  document.querySelector('#minutes').closest('details').addEventListener('toggle', event => { if (event.target.open && model) minutes(); });

  open();
})();
