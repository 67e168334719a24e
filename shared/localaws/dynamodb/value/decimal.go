package value

import (
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// The bounds of a number ("Naming rules and data types", Amazon DynamoDB Developer Guide; traps.md 25): 38 significant digits,
// magnitudes from 1E-130 to 9.99...E+125.
const (
	maxDigits   = 38
	maxExponent = 125
	minExponent = -130
)

// Decimal is an exact decimal number within DynamoDB's bounds. The zero Decimal is 0. It is immutable.
type Decimal struct {
	text string       // canonical; empty means 0
	dec  *apd.Decimal // reduced; nil means 0
}

// ParseDecimal reads a number as DynamoDB does: an optional sign, digits with at most one point, an optional exponent. 1, 1.0
// and 1E0 give the same Decimal. It returns an *Error on anything else and on numbers out of bounds.
func ParseDecimal(text string) (Decimal, error) {
	if !isNumeric(text) {
		return Decimal{}, notNumeric(text)
	}
	dec, err := parseExact(text)
	if err != nil {
		return Decimal{}, notNumeric(text)
	}
	return newDecimal(dec)
}

// parseExact reads a number whose digits and exponent may be out of bounds. Its exponent must fit in 32 bits.
func parseExact(text string) (*apd.Decimal, error) {
	mantissa, exponent := text, int64(0)
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		n, err := strconv.ParseInt(text[at+1:], 10, 32)
		if err != nil {
			return nil, err
		}
		mantissa, exponent = text[:at], n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	sign := ""
	if whole != "" && (whole[0] == '+' || whole[0] == '-') {
		sign, whole = whole[:1], whole[1:]
	}
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent -= int64(len(fraction))
	trimmed := strings.TrimRight(digits, "0")
	exponent += int64(len(digits) - len(trimmed))
	if trimmed == "" {
		return new(apd.Decimal), nil
	}
	// What is out of bounds by far is brought near them, which leaves it out of bounds: apd's exponents are 32 bits wide.
	exponent = min(max(exponent, -100_000), 100_000)
	d := new(apd.Decimal)
	d.Coeff.SetString(trimmed, 10)
	d.Exponent = int32(exponent)
	d.Negative = sign == "-"
	return d, nil
}

// newDecimal checks the bounds of d and takes it over.
func newDecimal(d *apd.Decimal) (Decimal, error) {
	reduced, _ := new(apd.Decimal).Reduce(d)
	if reduced.IsZero() {
		return Decimal{}, nil
	}
	digits := reduced.NumDigits()
	switch adjusted := int64(reduced.Exponent) + digits - 1; {
	case adjusted > maxExponent:
		return Decimal{}, overflow()
	case adjusted < minExponent:
		return Decimal{}, underflow()
	case digits > maxDigits:
		return Decimal{}, tooPrecise()
	}
	return Decimal{text: reduced.Text('f'), dec: reduced}, nil
}

// isNumeric reports whether text follows the grammar of numbers.
func isNumeric(text string) bool {
	rest := strings.TrimLeft(text, "+-")
	if len(text)-len(rest) > 1 {
		return false
	}
	mantissa, exponent, scientific := cutExponent(rest)
	if scientific {
		unsigned := strings.TrimLeft(exponent, "+-")
		if len(exponent)-len(unsigned) > 1 || !allDigits(unsigned) {
			return false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	return allDigits(whole + fraction)
}

func cutExponent(s string) (mantissa, exponent string, found bool) {
	at := strings.IndexAny(s, "eE")
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+1:], true
}

// allDigits reports whether s is one or more ASCII digits.
func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// String is the number in plain notation without superfluous zeros, as DynamoDB returns it.
func (d Decimal) String() string {
	if d.text == "" {
		return "0"
	}
	return d.text
}

// Equal reports whether two numbers are the same.
func (d Decimal) Equal(e Decimal) bool { return d.text == e.text }

// Cmp is -1, 0 or 1: whether d is less than, equal to, or greater than e.
func (d Decimal) Cmp(e Decimal) int { return d.apd().Cmp(e.apd()) }

// Add is the exact sum. It returns an *Error if the sum is out of bounds.
func (d Decimal) Add(e Decimal) (Decimal, error) { return combine(apd.BaseContext.Add, d, e) }

// Sub is the exact difference. It returns an *Error if the difference is out of bounds.
func (d Decimal) Sub(e Decimal) (Decimal, error) { return combine(apd.BaseContext.Sub, d, e) }

// combine uses a context without a precision, so that nothing is ever rounded.
func combine(operate func(d, x, y *apd.Decimal) (apd.Condition, error), x, y Decimal) (Decimal, error) {
	result := new(apd.Decimal)
	if _, err := operate(result, x.apd(), y.apd()); err != nil {
		return Decimal{}, tooPrecise()
	}
	return newDecimal(result)
}

func (d Decimal) apd() *apd.Decimal {
	if d.dec == nil {
		return new(apd.Decimal)
	}
	return d.dec
}

// size is the bytes a number takes: one for every pair of digits, counted from the point, one more, and one more if it is negative
// ("DynamoDB item sizes and formats", which calls it approximate; the pairs are as DynamoDB Local counts them).
func (d Decimal) size() int {
	if d.dec == nil {
		return 1
	}
	low := int(d.dec.Exponent)
	high := low + int(d.dec.NumDigits()) - 1
	bytes := 1 + (high >> 1) - (low >> 1) + 1
	if d.dec.Negative {
		bytes++
	}
	return bytes
}

// sortKey is text whose byte order is the order of numbers: sign, exponent, digits; everything inverted for negative ones.
func (d Decimal) sortKey() string {
	if d.dec == nil {
		return "\x01"
	}
	adjusted := int64(d.dec.Exponent) + d.dec.NumDigits() - 1 - minExponent // 0 to 255
	key := append([]byte{2, byte(adjusted)}, d.dec.Coeff.String()...)       //nolint:gosec // bounded by newDecimal
	if !d.dec.Negative {
		return string(key)
	}
	key[0] = 0
	for i := 1; i < len(key); i++ {
		key[i] = ^key[i]
	}
	// A shorter negative number is the greater one, as -1.2 is above -1.25.
	return string(append(key, 0xff))
}
