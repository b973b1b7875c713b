using System.Collections.Frozen;
using System.Globalization;

namespace Overlay.Market.Regions;

/// <summary>Where the regions are: for each ISO 3166-1 code a middle, in whole degrees, and a distance from it within which all of the region lies, its
/// islands too. Rough and generous: it says
/// what cannot be, and never where something is.</summary>
internal static class RegionPlaces
{
    private const double EarthRadius = 6371;

    // Code, degrees north, degrees east, kilometres. XK, which many databases have for Kosovo, is the only code that ISO leaves to its users. Every place of
    // the tz database's zone.tab lies
    // in its region.
    private const string Table =
        "AD 43 2 80;AE 24 54 500;AF 34 66 1000;AG 17 -62 150;AI 18 -63 120;AL 41 20 300;AM 40 45 300;AO -12 18 1200;" +
        "AQ -90 0 4500;AR -38 -65 2600;AS -14 -171 500;AT 48 14 500;AU -26 134 3900;AW 12 -70 120;AX 60 20 150;AZ 40 48 450;" +
        "BA 44 18 300;BB 13 -60 120;BD 24 90 500;BE 51 5 250;BF 12 -2 700;BG 43 25 400;BH 26 50 120;BI -3 30 250;BJ 10 2 550;" +
        "BL 18 -63 100;BM 32 -65 100;BN 5 115 200;BO -17 -65 1200;BQ 15 -66 600;BR -11 -52 3600;BS 24 -76 700;BT 27 90 300;" +
        "BV -54 3 120;BW -22 24 900;BY 54 28 500;BZ 17 -88 300;CA 60 -96 4000;CC -12 97 120;CD -3 23 1700;CF 7 21 1000;" +
        "CG -1 15 900;CH 47 8 300;CI 8 -6 600;CK -20 -160 1400;CL -36 -72 4200;CM 6 12 1000;CN 35 103 3600;CO 4 -73 1500;" +
        "CR 10 -84 700;CU 22 -79 800;CV 16 -24 350;CW 12 -69 120;CX -10 106 120;CY 35 33 250;CZ 50 15 400;DE 51 10 700;" +
        "DJ 12 43 200;DK 56 11 500;DM 15 -61 120;DO 19 -70 350;DZ 28 2 1600;EC -1 -81 1400;EE 59 26 350;EG 27 30 1000;" +
        "EH 25 -13 700;ER 15 39 800;ES 38 -5 2000;ET 9 40 1100;FI 64 26 900;FJ -18 178 900;FK -52 -59 350;FM 7 151 1900;" +
        "FO 62 -7 150;FR 46 2 1200;GA -1 12 600;GB 54 -3 1000;GD 12 -62 120;GE 42 43 450;GF 4 -53 400;GG 49 -3 120;GH 8 -1 550;" +
        "GI 36 -5 80;GL 72 -40 2000;GM 13 -15 350;GN 10 -11 650;GP 16 -61 150;GQ 2 10 700;GR 39 22 800;GS -55 -33 1200;" +
        "GT 16 -90 400;GU 13 145 120;GW 12 -15 300;GY 5 -59 600;HK 22 114 120;HM -53 74 150;HN 15 -87 500;HR 45 16 400;" +
        "HT 19 -73 300;HU 47 19 400;ID -2 118 3000;IE 53 -8 400;IL 31 35 350;IM 54 -5 120;IN 22 80 2200;IO -7 72 250;" +
        "IQ 33 44 800;IR 32 54 1500;IS 65 -19 400;IT 43 12 900;JE 49 -2 120;JM 18 -77 220;JO 31 37 400;JP 36 138 2200;" +
        "KE 0 38 900;KG 41 75 700;KH 13 105 450;KI 0 -170 3600;KM -12 44 200;KN 17 -63 120;KP 40 127 600;KR 36 128 500;" +
        "KW 29 48 220;KY 19 -81 250;KZ 48 67 2000;LA 18 104 800;LB 34 36 200;LC 14 -61 120;LI 47 10 80;LK 7 81 350;LR 6 -9 450;" +
        "LS -30 28 250;LT 55 24 350;LU 50 6 120;LV 57 25 400;LY 27 17 1200;MA 30 -7 1500;MC 44 7 80;MD 47 29 350;ME 43 19 250;" +
        "MF 18 -63 100;MG -19 47 1000;MH 9 169 900;MK 42 22 250;ML 17 -4 1400;MM 21 96 1400;MN 47 104 1400;MO 22 114 100;" +
        "MP 17 146 550;MQ 15 -61 120;MR 20 -10 1000;MS 17 -62 100;MT 36 14 120;MU -18 59 900;MV 3 73 700;MW -13 34 700;" +
        "MX 24 -102 2100;MY 4 109 1500;MZ -18 35 1400;NA -22 17 1000;NC -21 165 700;NE 17 9 1200;NF -29 168 120;NG 9 8 1000;" +
        "NI 13 -85 500;NL 52 5 300;NO 65 15 1300;NP 28 84 700;NR -1 167 100;NU -19 -170 120;NZ -41 174 1700;OM 21 57 800;" +
        "PA 9 -80 550;PE -9 -75 1500;PF -15 -142 1800;PG -6 147 1300;PH 12 123 1300;PK 30 69 1300;PL 52 19 600;PM 47 -56 120;" +
        "PN -25 -128 700;PR 18 -66 250;PS 32 35 150;PT 39 -12 1900;PW 5 133 700;PY -23 -58 800;QA 25 51 200;RE -21 56 150;" +
        "RO 46 25 600;RS 44 21 400;RU 62 95 4600;RW -2 30 220;SA 24 45 1500;SB -9 160 1000;SC -6 53 1100;SD 16 30 1300;" +
        "SE 62 16 1000;SG 1 104 100;SH -16 -6 3300;SI 46 15 250;SJ 78 18 1100;SK 49 19 350;SL 8 -12 300;SM 44 12 80;" +
        "SN 14 -15 550;SO 6 46 1200;SR 4 -56 450;SS 7 30 900;ST 1 7 250;SV 14 -89 250;SX 18 -63 100;SY 35 38 600;SZ -26 31 200;" +
        "TC 22 -72 200;TD 15 19 1200;TF -45 63 2800;TG 8 1 500;TH 15 101 1200;TJ 39 71 600;TK -9 -172 250;TL -9 126 350;" +
        "TM 39 59 900;TN 34 10 700;TO -20 -175 700;TR 39 35 1100;TT 11 -61 220;TV -8 178 700;TW 24 121 700;TZ -6 35 900;" +
        "UA 49 32 1100;UG 1 32 500;UM 10 -170 7000;US 45 -112 6500;UY -33 -56 500;UZ 41 64 1100;VA 42 12 80;VC 13 -61 150;" +
        "VE 8 -66 1200;VG 18 -65 120;VI 18 -65 120;VN 16 107 1200;VU -16 167 800;WF -14 -177 350;WS -14 -172 220;XK 43 21 200;" +
        "YE 15 48 1000;YT -13 45 120;ZA -30 25 2400;ZM -13 28 1000;ZW -19 30 700";

    private static readonly FrozenDictionary<string, Place> s_places = Read();

    /// <summary>All codes.</summary>
    internal static IReadOnlyCollection<string> Codes => s_places.Keys;

    /// <summary>The least distance that two regions can have, in kilometres; 0 where they may touch, and where one is not on the map.</summary>
    internal static double LeastDistance(Region one, Region other) =>
        s_places.TryGetValue(one.Code, out Place first) && s_places.TryGetValue(other.Code, out Place second)
            ? Math.Max(0, Distance(first.North, first.East, second.North, second.East) - first.Radius - second.Radius)
            : 0;

    /// <summary>The distance between two points on the globe, in kilometres; degrees north and east.</summary>
    internal static double Distance(double north, double east, double otherNorth, double otherEast)
    {
        // The haversine formula.
        (double sinNorth, double sinEast) = (Math.Sin(Radians(otherNorth - north) / 2), Math.Sin(Radians(otherEast - east) / 2));
        double half = sinNorth * sinNorth + Math.Cos(Radians(north)) * Math.Cos(Radians(otherNorth)) * sinEast * sinEast;
        return 2 * EarthRadius * Math.Asin(Math.Min(1, Math.Sqrt(half)));
    }

    /// <summary>Whether a point can be in a region, as far as the table says.</summary>
    internal static bool MayContain(string code, double north, double east) =>
        s_places.TryGetValue(code, out Place place) && Distance(place.North, place.East, north, east) <= place.Radius;

    private static double Radians(double degrees) => degrees * Math.PI / 180;

    private static FrozenDictionary<string, Place> Read() => Table.Split(';').Select(entry => entry.Split(' '))
        .ToFrozenDictionary(fields => fields[0], fields => new Place(Number(fields[1]), Number(fields[2]), Number(fields[3])), StringComparer.Ordinal);

    private static double Number(string text) => double.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    private readonly record struct Place(double North, double East, double Radius);
}
