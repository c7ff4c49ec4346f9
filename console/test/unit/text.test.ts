import { expect, test } from 'vitest';
import { bytes, count, duration, plural, rounded } from '../../src/text';

/** As it looks. */
const plain = (text: string): string => text.replaceAll('\u00a0', ' ');

test('numbers and times read well', () => {
  expect(count(1234567)).toBe('1,234,567');
  expect(rounded(2.951923)).toBe('2.95');
  expect(rounded(12345.6)).toBe('12,346');
  expect(plural(1, 'trip')).toBe('1 trip');
  expect(plural(2000, 'trip')).toBe('2,000 trips');
  expect(plain(bytes(0))).toBe('0 B');
  expect(plain(bytes(999))).toBe('999 B');
  expect(plain(bytes(1_536_000))).toBe('1.54 MB');
  expect(plain(bytes(999_900))).toBe('1 MB');
  expect(plain(bytes(10_737_418_240))).toBe('10.7 GB');
  expect(plain(duration(0.3))).toBe('less than 1 s');
  expect(plain(duration(75))).toBe('1 min 15 s');
  expect(plain(duration(3599.7))).toBe('1 h 0 min');
});
