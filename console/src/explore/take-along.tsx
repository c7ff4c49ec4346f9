import { useState } from 'react';
import { announce } from '../announce';
import { config } from '../config';
import { graphqlUrl } from '../endpoint';
import { useStore } from '../store';
import { open } from '../workbench';
import { flowsCsv, weeksCsv } from './csv';
import { ExportLinks } from './export-links';
import { mapGeoJson } from './geojson';
import { save } from '../save';
import { type Language, LANGUAGES, snippet } from './snippets';
import { weeksSql } from './sql';
import { type Answers, mapElement, selection, shown } from './state';
import { zones } from './zones';

/** Takes what is shown along: as a query, a link, a program or a file. */
export function TakeAlong({ answers }: { answers: Answers }) {
  const { tokens, database } = useStore(config);
  const chosen = useStore(selection);
  const view = useStore(shown);
  const map = useStore(mapElement);
  const [fault, setFault] = useState<string | null>(null);
  const { query, series, flows } = answers;

  const copy = async (what: string, text: string): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setFault(null);
      announce(`${what} copied.`);
    } catch {
      // Browsers allow it on secure origins and on this machine only.
      setFault('The browser does not allow this page to copy. It does with https.');
    }
  };
  const savePicture = async (): Promise<void> => {
    if (!map) return;
    try {
      const { picture } = await import('../map/picture');
      save('map.png', await picture(map));
      setFault(null);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      setFault(`The map can’t be saved as a picture: ${reason}`);
    }
  };
  const sql = view && weeksSql(chosen, view.box, database);
  const url = new URL(graphqlUrl, window.location.href).href;
  return (
    <div className="take-along">
      <h2>Take it along</h2>
      <p className="actions">
        <button type="button" className="button primary" onClick={() => open(query)}>
          Show query
        </button>
        <button
          type="button"
          className="button"
          onClick={() => void copy('Link', window.location.href)}
        >
          Copy link
        </button>
      </p>
      <p className="actions">
        {(Object.keys(LANGUAGES) as Language[]).map((language) => (
          <button
            key={language}
            type="button"
            className="button quiet"
            onClick={() => void copy(LANGUAGES[language], snippet(language, url, query, tokens))}
          >
            Copy as {LANGUAGES[language]}
          </button>
        ))}
        <button
          type="button"
          className="button quiet"
          disabled={!sql}
          title={sql ? undefined : 'Plain SQL has no condition for a polygon or a zone'}
          onClick={() => sql && void copy('SQL', sql)}
        >
          Copy as SQL
        </button>
      </p>
      <p className="actions">
        <button
          type="button"
          className="button quiet"
          disabled={series.weeks.length === 0}
          onClick={() => save('weeks.csv', csv(weeksCsv(series.weeks)))}
        >
          Download weeks (CSV)
        </button>
        <button
          type="button"
          className="button quiet"
          disabled={flows.length === 0}
          onClick={() => save('flows.csv', csv(flowsCsv(flows)))}
        >
          Download flows (CSV)
        </button>
        <button
          type="button"
          className="button quiet"
          disabled={flows.length === 0 && !answers.zones}
          onClick={() => save('map.geojson', geoJson(answers))}
        >
          Download map (GeoJSON)
        </button>
        <button
          type="button"
          className="button quiet"
          disabled={!map}
          onClick={() => void savePicture()}
        >
          Download map (PNG)
        </button>
      </p>
      <ExportLinks onFault={setFault} />
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}

function csv(text: string): Blob {
  return new Blob([text], { type: 'text/csv' });
}

function geoJson({ flows, zones: figures }: Answers): Blob {
  const drawn = figures ? (zones.get()?.list ?? []) : [];
  const collection = mapGeoJson(flows, drawn, figures ?? []);
  return new Blob([JSON.stringify(collection)], { type: 'application/geo+json' });
}
