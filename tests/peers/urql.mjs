import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { collector, report, task } from './task.mjs';

const socket = createClient({ url: task.ws, webSocketImpl: WebSocket, connectionParams: task.headers, retryAttempts: 0 });
const client = new Client({
  url: task.http,
  preferGetMethod: false,
  fetchOptions: { headers: task.headers },
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query ?? '', variables }, sink) }),
      }),
    }),
  ],
});
const settle = ({ data, error }) => { if (error) throw error; return data; };
const items = collector(task.items);
client
  .subscription(task.subscription.query, task.subscription.variables)
  .subscribe(({ data, error }) => (error ? items.failed(error) : items.add(data)));
const query = settle(await client.query(task.query.query, task.query.variables ?? {}));
const mutate = async () => settle(await client.mutation(task.mutation.query, task.mutation.variables ?? {}));
report({ query, mutations: [await mutate(), await mutate()], items: await items.all });
