// What every client is asked to do. It follows a feed from a cursor, runs a query and mutations whose effects it must
// hear, leaves, runs a mutation while it is away, and comes back at the last cursor it has.
const task = JSON.parse(process.argv[2]);
export const { http, ws, headers } = task;

// Clients with a cache add __typename to every selection: it says nothing about the transport.
const plain = (key, value) => (key === '__typename' ? undefined : value);

// `run(operation)` gives its data; `follow(operation, next, failed)` gives a function that leaves the feed.
export const perform = async ({ run, follow }) => {
  const items = [];
  const hear = (after, count) => new Promise((resolve, reject) => {
    const failed = (error) => reject(error instanceof Error ? error : new Error(JSON.stringify(error)));
    const end = items.length + count;
    const operation = { query: task.subscription, variables: { after } };
    const leave = follow(operation, (data) => {
      items.push(data);
      if (items.length === end) setTimeout(() => { leave(); resolve(); });
    }, failed);
  });
  const heard = hear(task.start, task.items);
  heard.catch(() => {}); // told when it is awaited
  const query = await run(task.query);
  const mutations = [];
  for (const mutation of task.mutations) mutations.push(await run(mutation));
  await heard;
  for (const mutation of task.away) mutations.push(await run(mutation));
  const { cursor } = Object.values(items.at(-1)).find((value) => value?.cursor);
  await hear(cursor, task.away.length);
  process.stdout.write(JSON.stringify({ query, mutations, items }, plain) + '\n', () => process.exit(0));
};

// graphql-ws and graphql-sse have the same client: everything is a subscription.
export const bySubscribing = (client) => ({
  run: (operation) => new Promise((resolve, reject) => {
    let result;
    const complete = () => (result?.errors ? reject(new Error(JSON.stringify(result.errors))) : resolve(result.data));
    client.subscribe(operation, { next: (value) => { result = value; }, error: reject, complete });
  }),
  follow: (operation, next, failed) => client.subscribe(operation, {
    next: ({ data, errors }) => (errors ? failed(errors) : next(data)), error: failed, complete: () => {},
  }),
});
