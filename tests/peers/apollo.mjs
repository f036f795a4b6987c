import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { OperationTypeNode } from 'graphql';
import { headers, http, perform, ws } from './task.mjs';

const socket = createClient({ url: ws, webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0 });
const link = ApolloLink.split(
  ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
  new GraphQLWsLink(socket),
  new HttpLink({ uri: http, headers }),
);
const client = new ApolloClient({ link, cache: new InMemoryCache() });
await perform({
  run: async ({ query, variables }) => {
    const document = gql(query);
    const isMutation = document.definitions[0].operation === OperationTypeNode.MUTATION;
    const asked = isMutation ? client.mutate({ mutation: document, variables }) : client.query({ query: document, variables });
    return (await asked).data;
  },
  follow: ({ query, variables }, next, failed) => {
    const feed = client.subscribe({ query: gql(query), variables });
    const following = feed.subscribe({ next: ({ data, error }) => (error ? failed(error) : next(data)), error: failed });
    return () => following.unsubscribe();
  },
});
