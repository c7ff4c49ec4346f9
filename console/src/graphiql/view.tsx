import 'graphiql/style.css';
import '../styles/graphiql.css';
import './editors';
import { DocExplorerContextProvider, DOC_EXPLORER_PLUGIN } from '@graphiql/plugin-doc-explorer';
import { HistoryContextProvider } from '@graphiql/plugin-history';
import { type GraphiQLPlugin, usePluginStore } from '@graphiql/react';
import { GraphiQL, GraphiQLInterface, GraphiQLProvider } from 'graphiql';
import type { ReactNode } from 'react';
import { Results } from '../results/results';
import { useStore } from '../store';
import { DEFAULT_TABS } from '../tabs';
import { UploadIcon } from '../upload/icon';
import { Panel } from '../upload/panel';
import { view } from '../view';
import { PANEL_TITLE } from '../workbench';
import { Bridge } from './bridge';
import { fetcher } from './fetcher';
import { HISTORY } from './history';
import { prepareSession, wasPanelHidden } from './session';
import { TabRoles } from './tab-roles';
import { TransfersNote } from './transfers-note';

const PANEL: GraphiQLPlugin = { title: PANEL_TITLE, icon: UploadIcon, content: OwnPanel };

const PLUGINS = [PANEL, DOC_EXPLORER_PLUGIN, HISTORY];

prepareSession();

/** GraphiQL with uploads, live ingestions, charts and maps. */
export default function GraphiqlView() {
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
          <Bridge>
            <PluginsReady>
              <GraphiQLInterface defaultEditorToolsVisibility={false} showPersistHeadersSettings>
                <GraphiQL.Logo>
                  <span />
                </GraphiQL.Logo>
                <GraphiQL.Footer>
                  <TabRoles />
                  <TransfersNote />
                  <Results />
                </GraphiQL.Footer>
              </GraphiQLInterface>
            </PluginsReady>
          </Bridge>
        </DocExplorerContextProvider>
      </HistoryContextProvider>
    </GraphiQLProvider>
  );
}

/** The panel; the explorer has one of its own, and GraphiQL stays on the page behind it. */
function OwnPanel() {
  return useStore(view) === 'graphql' ? <Panel /> : null;
}

/** GraphiQL lays out the panel's width once, so the visible panel must be known before that. */
function PluginsReady({ children }: { children: ReactNode }) {
  return usePluginStore().plugins.length > 0 ? children : null;
}
