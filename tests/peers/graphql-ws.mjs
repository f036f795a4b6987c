import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { collector, report, task } from './task.mjs';

const client = createClient({ url: task.ws, webSocketImpl: WebSocket, connectionParams: task.headers, retryAttempts: 0 });
const once = (operation) => new Promise((resolve, reject) => {
  let result;
  client.subscribe(operation, { next: (r) => { result = r; }, error: reject, complete: () => resolve(result.data) });
});
const items = collector(task.items);
const stop = client.subscribe(task.subscription, { next: (r) => items.add(r.data), error: items.failed, complete: () => {} });
const query = await once(task.query);
const mutations = [await once(task.mutation), await once(task.mutation)];
report({ query, mutations, items: await items.all });
stop();
