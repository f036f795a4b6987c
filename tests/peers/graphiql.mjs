// A person at /graphql: looks at the tabs, types a token, runs a query, follows the alerts while a device reports a fire.
import { chromium } from 'playwright-core';

const task = JSON.parse(process.argv[2]);
const browser = await chromium.launch({
  executablePath: task.chromium,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
  ],
});
const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
page.setDefaultTimeout(20_000);
const complaints = [];
const requested = new Set();
page.on('console', (said) => { if (['error', 'warning'].includes(said.type())) complaints.push(said.text()); });
page.on('pageerror', (error) => complaints.push(String(error)));
page.on('request', (request) => requested.add(new URL(request.url()).protocol + new URL(request.url()).host));

const seen = { complaints };
const shot = (name) => (task.shots ? page.screenshot({ path: `${task.shots}/${name}.png` }) : undefined);
const tab = (name) => page.locator('.graphiql-tab', { hasText: name }).locator('button').first().click();
const result = (text) => page.locator('.result-window', { hasText: text }).waitFor();
const typeHeaders = async () => {
  await page.locator('.graphiql-editor-tool .CodeMirror:visible').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(JSON.stringify({ authorization: `Bearer ${task.token}` }));
};

const journey = {
  async whole() {
    await page.locator('.graphiql-container').waitFor();
    seen.tabs = await page.locator('.graphiql-tab').allInnerTexts();
    await tab('WhoAmI');
    await typeHeaders();
    await page.locator('.graphiql-execute-button').click();
    await result(task.expected);
    await shot('query');
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    await page.locator('.graphiql-doc-explorer-title', { hasText: 'Docs' }).waitFor();
    seen.docs = await page.locator('.graphiql-doc-explorer').innerText();
    await page.getByRole('button', { name: 'Open settings dialog' }).click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await tab('AlertFeed');
    await typeHeaders();
    await page.locator('.graphiql-execute-button').click();
    while (!/^zhian_alerts_subscribers 1/m.test(await (await fetch(task.metrics)).text())) { /* until it listens */ }
    await fetch(task.push.url, {
      method: 'POST', headers: { ...task.push.headers, 'content-type': 'application/json' },
      body: JSON.stringify(task.push.body),
    });
    await result('RAISED');
    seen.heard = await page.locator('.result-window').innerText();
    await shot('alert');
  },
  async absent() {
    await page.locator('#absent').waitFor();
    seen.text = await page.locator('#absent').innerText();
    await shot('absent');
  },
};
try {
  await page.goto(task.url);
  await journey[task.journey]();
} catch (error) {
  await shot('failed');
  throw new Error(`${error}\n${complaints.join('\n')}`);
} finally {
  await browser.close();
}
seen.requested = [...requested];
process.stdout.write(JSON.stringify(seen) + '\n');
