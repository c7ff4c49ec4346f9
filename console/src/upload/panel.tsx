import { IngestionList } from '../ingestions/list';
import { useStore } from '../store';
import { feed } from '../ingestions/feed';
import { config } from '../config';
import { token } from '../authorization';
import { ChosenVariables } from './variables';
import { Example } from './example';
import { ChooseFiles, LooseFiles } from './choose';
import { Transfers } from './transfers-list';

/** The panel of uploads and ingestions. */
export function Panel() {
  const { write, tokens, aggregatesOnly } = useStore(config);
  const { connection } = useStore(feed);
  const has = useStore(token) !== null;
  const needsToken = connection === 'refused' || (tokens && !has);
  return (
    <div className="panel">
      <section aria-labelledby="upload-title">
        <h2 id="upload-title">Upload</h2>
        {needsToken ? (
          <p className="detail">Enter a token at the top of the page to upload files.</p>
        ) : write ? (
          <>
            <Start />
            <ChooseFiles />
            <ChosenVariables />
            <LooseFiles />
          </>
        ) : (
          <p className="detail">
            {aggregatesOnly
              ? 'The token in use may see counts of trips, but neither files nor single trips.'
              : 'The token in use may read, but not upload.'}
          </p>
        )}
        <Transfers />
        {!needsToken && write && <Example />}
      </section>
      {!aggregatesOnly && <IngestionList />}
    </div>
  );
}

/** Instructions while there are no ingestions yet. */
function Start() {
  const { loaded, ingestions } = useStore(feed);
  if (!loaded || ingestions.length > 0) return null;
  return (
    <p>
      <strong>Start here:</strong> there are no trips yet. Upload your own CSV files, or an example
      with 2,000 synthetic trips.
    </p>
  );
}
