import L from 'leaflet';
import { config } from '../config';
import { vectorLayer } from './base-layer';
import { Labels } from './labels';

/** Adds the base map: the tiles that the server names, or land, waters, borders and cities of the world. */
export function addBaseMap(map: L.Map): void {
  const { baseMap } = config.get();
  map.attributionControl?.setPrefix(false);
  if (baseMap) {
    const { url, attribution } = baseMap;
    // Tile servers require a referrer, which the page's own policy does not send.
    L.tileLayer(url, { attribution, referrerPolicy: 'strict-origin' }).addTo(map);
    return;
  }
  // Names lie over what is drawn on the map, and let the pointer through.
  const names = map.createPane('places');
  names.style.zIndex = '450';
  names.style.pointerEvents = 'none';
  vectorLayer().addTo(map);
  new Labels().addTo(map);
}
