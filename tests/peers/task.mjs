// What every client is asked to do: hold a subscription, run a query, run a mutation twice, see both in the subscription.
export const task = JSON.parse(process.argv[2]);

export const collector = (count) => {
  const items = [];
  let done, failed;
  const all = new Promise((resolve, reject) => { done = resolve; failed = reject; });
  return {
    all,
    failed: (error) => failed(error instanceof Error ? error : new Error(JSON.stringify(error))),
    add: (item) => { items.push(item); if (items.length === count) done(items); },
  };
};

// Clients with a cache add __typename to every selection: it says nothing about the transport.
const plain = (key, value) => (key === '__typename' ? undefined : value);

export const report = (result) => {
  process.stdout.write(JSON.stringify(result, plain) + '\n', () => process.exit(0));
};
