import { createClient } from 'graphql-sse';
import { bySubscribing, headers, http, perform } from './task.mjs';

await perform(bySubscribing(createClient({ url: http, headers, retryAttempts: 0 })));
