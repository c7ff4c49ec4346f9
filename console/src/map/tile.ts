/** Messages between the page and the worker that cuts the base map into tiles. */

/** From this zoom level on, the finer data are used. */
export const FINE_FROM = 6;

/** The finest tiles; closer views enlarge them. */
export const MAX_NATIVE_ZOOM = 14;

/** Units per side of a tile in which its shapes are given. */
export const EXTENT = 4096;

export interface TileTask {
  id: number;
  z: number;
  x: number;
  y: number;
}

/** What a shape of the base map is; those further on are drawn over the others. */
export const KINDS = ['land', 'lake', 'river', 'border'] as const;
export type Kind = (typeof KINDS)[number];

/** A shape of a tile, as lines or rings of points. */
export interface TileShape {
  kind: Kind;
  geometry: [x: number, y: number][][];
}

export interface TileAnswer {
  id: number;
  /** Null if the data could not be loaded. */
  shapes: TileShape[] | null;
}
