import { copyFileSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preparePackages, TestbedError } from '@vpmem/testbed';
import { chromium, type Browser } from 'playwright-core';

/** Debian's Chromium, in a folder of its own with nothing installed. */
export interface PreparedChromium {
  readonly browser: Browser;
  close(): Promise<void>;
}

/**
 * Chromium finds its data, and itself for its own processes, beside the program that the kernel was told to run, which for an unpacked
 * package is the packages' loader. So a copy of the loader stands among links to Chromium's files, and a script is what starts more of it.
 *
 * @throws TestbedError if the packages cannot be had here
 */
export async function prepareChromium(): Promise<PreparedChromium> {
  const packages = await preparePackages('chromium-1', ['chromium', 'fonts-dejavu-core']);
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-chromium-'));
  const [home, loader, script, fonts] = [packages.path('usr/lib/chromium'), join(folder, 'chromium'), join(folder, 'run'), join(folder, 'fonts.conf')];
  for (const name of readdirSync(home)) if (name !== 'chromium') symlinkSync(join(home, name), join(folder, name));
  copyFileSync(realpathSync(packages.path('usr/lib64/ld-linux-x86-64.so.2')), loader);
  const libraries = ['', '/pulseaudio'].map((each) => packages.path(`usr/lib/x86_64-linux-gnu${each}`)).join(':');
  writeFileSync(script, `#!/bin/sh\nexec '${loader}' --library-path '${libraries}' --argv0 '${loader}' '${join(home, 'chromium')}' "$@"\n`, { mode: 0o755 });
  writeFileSync(fonts, fontsFile(packages.path('usr/share/fonts'), join(folder, 'fonts')));
  try {
    const browser = await chromium.launch({
      executablePath: script,
      // Its sandbox wants user namespaces, which neither root nor every CI has; and the zygote would run the loader again.
      args: ['--no-sandbox', '--no-zygote', `--browser-subprocess-path=${script}`],
      env: { ...process.env, FONTCONFIG_FILE: fonts },
    });
    return {
      browser,
      close: async () => {
        await browser.close();
        rmSync(folder, { recursive: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
}

/** As with the testbed: where `CI` is `true` nothing is skipped. */
export async function requireChromium(): Promise<{ chromium: PreparedChromium; reason?: undefined } | { chromium?: undefined; reason: string }> {
  try {
    return { chromium: await prepareChromium() };
  } catch (error) {
    if (!(error instanceof TestbedError) || process.env.CI === 'true') throw error;
    return { reason: error.message };
  }
}

function fontsFile(folder: string, cache: string): string {
  const alias = (family: string, font: string): string => `<alias binding="same"><family>${family}</family><prefer><family>${font}</family></prefer></alias>`;
  const aliases = [alias('monospace', 'DejaVu Sans Mono'), alias('ui-monospace', 'DejaVu Sans Mono'), alias('system-ui', 'DejaVu Sans'), alias('sans-serif', 'DejaVu Sans')];
  return `<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig><dir>${folder}</dir><cachedir>${cache}</cachedir>${aliases.join('')}</fontconfig>\n`;
}
