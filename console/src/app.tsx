import { lazy, Suspense, useEffect, useState } from 'react';
import { Announcer } from './announce';
import { Explore } from './explore/explore';
import { Header } from './header';
import { LoadFailure } from './load-failure';
import { useStore } from './store';
import { DropTarget } from './upload/drop';
import { view } from './view';

const GraphiqlView = lazy(() => import('./graphiql/view'));

/** The page: a header, and below it the explorer or GraphiQL. */
export function App() {
  const shown = useStore(view);
  // GraphiQL is loaded when it is first shown. It then stays, so that its operations go on.
  const [graphiql, setGraphiql] = useState(shown === 'graphql');
  useEffect(() => {
    if (shown === 'graphql') setGraphiql(true);
  }, [shown]);
  return (
    <>
      <Header />
      {shown === 'explore' && <Explore />}
      {graphiql && (
        <main className="view" hidden={shown !== 'graphql'}>
          <LoadFailure>
            <Suspense fallback={<p className="note">GraphiQL is loading…</p>}>
              <GraphiqlView />
            </Suspense>
          </LoadFailure>
        </main>
      )}
      <DropTarget />
      <Announcer />
    </>
  );
}
