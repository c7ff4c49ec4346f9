import { beforeEach, expect, test } from 'vitest';
import { looseFormat, looseLocations, saidFormat, say, sayNothing } from '../../src/upload/format';

beforeEach(sayNothing);

test('what is said is sent, and what is empty is left to the server', () => {
  expect(saidFormat()).toBeNull();
  say('timeFormat', '%d/%m/%Y %H:%M');
  say('encoding', 'windows-1252');
  say('nullValues', ['-', '']);
  say('delimiter', ' ');
  expect(saidFormat()).toEqual({
    timeFormat: '%d/%m/%Y %H:%M',
    encoding: 'windows-1252',
    nullValues: ['-', ''],
    delimiter: ' ',
  });
  say('encoding', '');
  say('nullValues', []);
  say('delimiter', undefined);
  expect(saidFormat()).toEqual({ timeFormat: '%d/%m/%Y %H:%M' });
});

test('of parts that exclude each other, the last one said holds', () => {
  say('datasourceName', 'bikes');
  say('datasource', 'source');
  say('origin', ['x', 'y']);
  say('originId', 'from');
  say('destinationId', 'to');
  say('destination', ['a']);
  expect(looseFormat.get()).toEqual({
    datasource: 'source',
    originId: 'from',
    destination: ['a'],
  });
  say('regionName', 'Lyon');
  say('region', undefined);
  expect(looseFormat.get()).toMatchObject({ regionName: 'Lyon' });
});

test('a list of locations is forgotten with the format', () => {
  looseLocations.set(new File([], 'stations.csv'));
  sayNothing();
  expect(looseLocations.get()).toBeNull();
});
