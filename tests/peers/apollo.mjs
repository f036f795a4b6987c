import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { OperationTypeNode } from 'graphql';
import { collector, report, task } from './task.mjs';

const socket = createClient({ url: task.ws, webSocketImpl: WebSocket, connectionParams: task.headers, retryAttempts: 0 });
const link = ApolloLink.split(
  ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
  new GraphQLWsLink(socket),
  new HttpLink({ uri: task.http, headers: task.headers }),
);
const client = new ApolloClient({ link, cache: new InMemoryCache() });
const items = collector(task.items);
client
  .subscribe({ query: gql(task.subscription.query), variables: task.subscription.variables })
  .subscribe({ next: (r) => (r.error ? items.failed(r.error) : items.add(r.data)), error: items.failed });
const { data: query } = await client.query({ query: gql(task.query.query), variables: task.query.variables });
const mutate = async () =>
  (await client.mutate({ mutation: gql(task.mutation.query), variables: task.mutation.variables })).data;
report({ query, mutations: [await mutate(), await mutate()], items: await items.all });
