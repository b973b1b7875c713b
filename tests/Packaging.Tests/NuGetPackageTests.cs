using System.IO.Compression;
using System.Reflection;
using Overlay.TestKit;

namespace Overlay.Packaging.Tests;

/// <summary>The packages as a user gets them: packed, restored from a folder feed into a project that knows nothing of this repository, and run.</summary>
public sealed class NuGetPackageTests
{
    private static readonly string[] s_projects = ["Proofs", "Transport", "Overlay"];

    private static string Configuration { get; } =
        typeof(NuGetPackageTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "Configuration").Value!;

    [Fact]
    public async Task Packages_FreshConsoleProject_RestoresThemAndRunsTenLines()
    {
        if (!Repository.IsContinuousIntegration && Environment.GetEnvironmentVariable("OVERLAY_PACKAGING") != "1")
            Assert.Skip("packs, restores and builds for a minute: set OVERLAY_PACKAGING=1 to run it");

        DirectoryInfo folder = Directory.CreateTempSubdirectory("overlay-package-");
        try
        {
            string feed = folder.CreateSubdirectory("feed").FullName;
            foreach (string project in s_projects)
                await DotnetCommand.RunAsync(Repository.Root, "pack", Path.Combine("src", project), "-c", Configuration, "--no-build", "-o", feed);
            AssertContents(feed);

            string app = folder.CreateSubdirectory("app").FullName;
            await WriteAppAsync(app, feed);
            string said = await DotnetCommand.RunAsync(app, "run", "-c", "Release");

            Assert.Contains("a node runs", said, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Tool_InstalledFromAFolder_Runs()
    {
        if (!Repository.IsContinuousIntegration && Environment.GetEnvironmentVariable("OVERLAY_PACKAGING") != "1")
            Assert.Skip("packs, installs and runs for a minute: set OVERLAY_PACKAGING=1 to run it");

        DirectoryInfo folder = Directory.CreateTempSubdirectory("overlay-tool-");
        try
        {
            string feed = folder.CreateSubdirectory("feed").FullName, tools = Path.Combine(folder.FullName, "tools");
            await DotnetCommand.RunAsync(Repository.Root, "pack", Path.Combine("samples", "Node"), "-c", Configuration, "--no-build", "-o", feed);
            // Everything that the tool needs is in its package: no other source is asked.
            await File.WriteAllTextAsync(
                Path.Combine(folder.FullName, "nuget.config"),
                $"""<configuration><packageSources><clear /><add key="packed" value="{feed}" /></packageSources></configuration>""", TestContext.Current.CancellationToken);

            await DotnetCommand.RunAsync(folder.FullName, "tool", "install", "--tool-path", tools, "Overlay.Node", "--version", "0.1.0", "--no-cache");
            string said = await DotnetCommand.RunProgramAsync(Path.Combine(tools, "overlay"), folder.FullName, "completion", "bash");

            Assert.Contains("complete -F _overlay overlay", said, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void AssertContents(string feed)
    {
        string[] packages = Directory.GetFiles(feed, "*.nupkg");
        Assert.Equal(s_projects.Length, packages.Length);
        Assert.Equal(s_projects.Length, Directory.GetFiles(feed, "*.snupkg").Length);
        foreach (string package in packages)
        {
            using ZipArchive archive = ZipFile.OpenRead(package);
            string[] entries = [.. archive.Entries.Select(entry => entry.FullName)];
            Assert.Contains("README.md", entries);
            Assert.Contains("icon.png", entries);
            Assert.Single(entries, entry => entry.StartsWith("lib/net10.0/", StringComparison.Ordinal) && entry.EndsWith(".dll", StringComparison.Ordinal));
            Assert.Single(entries, entry => entry.StartsWith("lib/net10.0/", StringComparison.Ordinal) && entry.EndsWith(".xml", StringComparison.Ordinal));
        }
    }

    // Its own package folder, so that an older package of the same version cannot be taken for the new one; the user's serves the rest.
    private static async Task WriteAppAsync(string app, string feed)
    {
        CancellationToken cancelled = TestContext.Current.CancellationToken;
        string known = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        await File.WriteAllTextAsync(Path.Combine(app, "nuget.config"), $"""
            <configuration>
              <packageSources>
                <add key="packed" value="{feed}" />
              </packageSources>
            </configuration>
            """, cancelled);
        await File.WriteAllTextAsync(Path.Combine(app, "App.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <NuGetAudit>false</NuGetAudit>
                <RestorePackagesPath>{Path.Combine(app, "packages")}</RestorePackagesPath>
                <RestoreFallbackFolders>{known}</RestoreFallbackFolders>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Overlay" Version="0.1.0" />
              </ItemGroup>
            </Project>
            """, cancelled);
        await File.WriteAllTextAsync(Path.Combine(app, "Program.cs"), """
            using Overlay;
            using Overlay.Sharing;

            await using var overlay = await OverlayNode.StartAsync(new OverlayOptions
            {
                DataDirectory = "overlay-data",
                Listen = ["/ip4/127.0.0.1/tcp/0"],
                Sharing = new SharingOptions { Region = "DE", PricePerGiB = 0.05m, AskConsent = (text, _) => ValueTask.FromResult(text.Accept("a test")) },
            });
            Console.WriteLine("a node runs");
            """, cancelled);
    }
}
