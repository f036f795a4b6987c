// A merchant's own notification endpoint and the buyer at the sandbox's cashier, for the payment clients.
import { createServer } from 'node:http';

export const task = JSON.parse(process.argv[2]);
export const done = (result) => process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0));

// Gives the URL to be notified at, and a function that waits for the next notification.
export const listening = (status, answer) => new Promise((resolve) => {
  const arrived = [];
  const wanted = [];
  const server = createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const heard = { headers: request.headers, body: Buffer.concat(parts).toString('utf8') };
      response.writeHead(status).end(answer);
      if (wanted.length) wanted.shift()(heard); else arrived.push(heard);
    });
  });
  const next = () => (arrived.length ? Promise.resolve(arrived.shift()) : new Promise((tell) => wanted.push(tell)));
  server.listen(0, '127.0.0.1', () => resolve({ url: `http://127.0.0.1:${server.address().port}/heard`, next }));
});

const ask = async (path, code) => {
  const body = new URLSearchParams({ code });
  const answer = await fetch(`${task.gateway}${path}`, { method: 'POST', body, headers: { accept: 'application/json' } });
  return answer.json();
};

export const scanAndPay = async (code) => ask(`/cashier/${(await ask('/cashier/scan', code)).handle}/pay`, '');

export const scanAndSign = async (code) => ask(`/cashier/${(await ask('/cashier/scan', code)).handle}/sign`, '');
