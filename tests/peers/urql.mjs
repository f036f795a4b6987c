import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { headers, http, perform, ws } from './task.mjs';

const socket = createClient({ url: ws, webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0 });
const client = new Client({
  url: http,
  preferGetMethod: false,
  fetchOptions: { headers },
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query ?? '', variables }, sink) }),
      }),
    }),
  ],
});
await perform({
  run: async ({ query, variables }) => {
    const asked = query.startsWith('mutation') ? client.mutation(query, variables ?? {}) : client.query(query, variables ?? {});
    const { data, error } = await asked;
    if (error) throw error;
    return data;
  },
  follow: ({ query, variables }, next, failed) => {
    const feed = client.subscription(query, variables);
    return feed.subscribe(({ data, error }) => (error ? failed(error) : next(data))).unsubscribe;
  },
});
