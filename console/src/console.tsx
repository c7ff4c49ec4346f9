import { DocExplorerContextProvider, DOC_EXPLORER_PLUGIN } from '@graphiql/plugin-doc-explorer';
import { HISTORY_PLUGIN, HistoryContextProvider } from '@graphiql/plugin-history';
import { type GraphiQLPlugin, usePluginStore } from '@graphiql/react';
import { GraphiQL, GraphiQLInterface, GraphiQLProvider } from 'graphiql';
import type { ReactNode } from 'react';
import { Announcer } from './announce';
import { config } from './config';
import { fetcher } from './fetcher';
import { wasPanelHidden } from './session';
import { Results } from './results/results';
import { DEFAULT_TABS } from './tabs';
import { DropTarget } from './upload/drop';
import { UploadIcon } from './upload/icon';
import { Panel } from './upload/panel';
import { TransfersNote } from './upload/transfers-note';
import { PANEL_TITLE, WorkbenchProvider } from './workbench';

const PANEL: GraphiQLPlugin = { title: PANEL_TITLE, icon: UploadIcon, content: Panel };

const PLUGINS = [PANEL, DOC_EXPLORER_PLUGIN, HISTORY_PLUGIN];

/** GraphiQL with uploads, live ingestions, charts and maps. */
export function Console() {
  return (
    <GraphiQLProvider
      fetcher={fetcher}
      plugins={PLUGINS}
      referencePlugin={DOC_EXPLORER_PLUGIN}
      {...(wasPanelHidden() ? {} : { visiblePlugin: PANEL })}
      defaultTabs={DEFAULT_TABS}
      defaultQuery=""
    >
      <HistoryContextProvider>
        <DocExplorerContextProvider>
          <WorkbenchProvider>
            <PluginsReady>
              <GraphiQLInterface
                defaultEditorToolsVisibility={config().tokens ? 'headers' : false}
                showPersistHeadersSettings
              >
                <GraphiQL.Logo>
                  <span className="logo">tripgraph</span>
                </GraphiQL.Logo>
                <GraphiQL.Footer>
                  <TransfersNote />
                  <Results />
                </GraphiQL.Footer>
                <DropTarget />
              </GraphiQLInterface>
            </PluginsReady>
            <Announcer />
          </WorkbenchProvider>
        </DocExplorerContextProvider>
      </HistoryContextProvider>
    </GraphiQLProvider>
  );
}

/** GraphiQL lays out the panel's width once, so the visible panel must be known before that. */
function PluginsReady({ children }: { children: ReactNode }) {
  return usePluginStore().plugins.length > 0 ? children : null;
}
