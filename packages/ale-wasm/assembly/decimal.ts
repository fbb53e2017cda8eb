// Decimal mode of ADC, SBC and ARR, with ALE's results for bytes that are no valid BCD. Each returns the byte, V in bit 8, C in bit 16.
@inline function fromBcd(byte: i32): i32 { return 10 * (byte >> 4) + (byte & 15); }
@inline function toBcd(value: i32): i32 {
  const tens = value / 10;
  return ((tens << 4) | (value - tens * 10)) & 0xff;
}
@inline function overflow(a: i32, m: i32, result: i32): i32 { return (a ^ result) & (result ^ m) & 0x80 ? 0x100 : 0; }

export function adcDecimal(a: i32, m: i32, carry: i32): i32 {
  const sum = fromBcd(a) + fromBcd(m) + carry;
  const result = toBcd((sum & 255) % 100);
  return result | overflow(a, m, result) | (sum > 99 ? 0x10000 : 0);
}
export function sbcDecimal(a: i32, m: i32, carry: i32): i32 {
  let difference = fromBcd(a) - fromBcd(m) - (1 - carry);
  if (difference < 0) difference += 100;
  const result = difference < 0 ? fromBcd((256 + difference) & 255) : toBcd(difference % 100);
  return result | overflow(a, m, result) | (a >= m + (1 - carry) ? 0x10000 : 0);
}
/** `a` is already masked by the operand; N (the old carry) comes in bit 31. */
export function arrDecimal(a: i32, carry: i32): i32 {
  const rotated = (a >> 1) | (carry << 7);
  let result = rotated, carryOut = 0;
  if ((a & 15) + (a & 1) > 5) result = (result & 0xf0) | ((result + 6) & 15);
  if ((a & 0xf0) + (a & 0x10) > 0x50) {
    result = (result + 0x60) & 0xff;
    carryOut = 0x10000;
  }
  return result | ((a ^ rotated) & 0x40 ? 0x100 : 0) | carryOut | (carry << 31);
}
