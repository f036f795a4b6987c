import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { bySubscribing, headers, perform, ws } from './task.mjs';

const client = createClient({ url: ws, webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0 });
await perform(bySubscribing(client));
