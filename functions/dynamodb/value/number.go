package value

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
)

// Limits of a DynamoDB number (Amazon DynamoDB Developer Guide, "Supported data types", "Numbers"):
// 38 significant digits, magnitudes from 1E-130 to 9.99…E+125, and zero. Traps.md 25.
const (
	maxDigits    = 38
	minMagnitude = -130
	maxMagnitude = 125

	// clampedExponent stands for any exponent of more than seven digits: far outside DynamoDB's range,
	// and small enough that arithmetic on it can't overflow.
	clampedExponent = 10_000_000
)

// floatDigits is how many significant digits any decimal may have and still survive float64 both ways
// (C's DBL_DIG), as long as its magnitude is within float64's, which DynamoDB's always is.
const floatDigits = 15

var (
	errNotNumber = errors.New("isn't a decimal number")
	errPrecision = errors.New("has more than the 38 significant digits that DynamoDB holds")
	errTooLarge  = errors.New("is beyond the magnitude that DynamoDB holds, 9.99E+125")
	errTooSmall  = errors.New("is nearer to zero than DynamoDB holds, 1E-130")
)

// decimal is an exact number in one form for all its spellings: 1, 1.0 and 1E0 are equal structs.
// Its value is ±d.ddd… × 10^magnitude. Zero has no digits, no sign, no magnitude.
type decimal struct {
	negative  bool
	digits    string // significant digits, neither leading nor trailing zeros
	magnitude int
}

// parseDecimal reads an optional sign, digits with an optional point, and an optional exponent.
// It does not check DynamoDB's limits; fits does.
func parseDecimal(text string) (decimal, error) {
	rest := text
	var d decimal
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		d.negative = rest[0] == '-'
		rest = rest[1:]
	}
	mantissa, exponent, ok := splitExponent(rest)
	if !ok {
		return decimal{}, errNotNumber
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if !allDigits(whole) || !allDigits(fraction) || len(whole)+len(fraction) == 0 {
		return decimal{}, errNotNumber
	}
	digits := whole
	if strings.Trim(fraction, "0") != "" {
		digits = whole + fraction
	}
	significant := strings.TrimLeft(digits, "0")
	leading := len(digits) - len(significant)
	d.magnitude = len(whole) - leading - 1 + exponent
	d.digits = strings.TrimRight(significant, "0")
	if d.digits == "" {
		return decimal{}, nil
	}
	return d, nil
}

// splitExponent cuts "1.5e-3" into "1.5" and -3. An exponent of absurd size is clamped: it is out of
// DynamoDB's range either way, and zero stays zero.
func splitExponent(text string) (mantissa string, exponent int, ok bool) {
	at := strings.IndexAny(text, "eE")
	if at < 0 {
		return text, 0, true
	}
	digits := text[at+1:]
	negative := false
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		negative = digits[0] == '-'
		digits = digits[1:]
	}
	if digits == "" || !allDigits(digits) {
		return "", 0, false
	}
	exponent = clampedExponent
	if trimmed := strings.TrimLeft(digits, "0"); len(trimmed) <= 7 {
		exponent = 0
		for i := range len(trimmed) {
			exponent = exponent*10 + int(trimmed[i]-'0')
		}
	}
	if negative {
		exponent = -exponent
	}
	return text[:at], exponent, true
}

func allDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// fits says whether DynamoDB can hold d, and if not, why. It never rounds.
func (d decimal) fits() error {
	switch {
	case d.digits == "":
		return nil
	case len(d.digits) > maxDigits:
		return errPrecision
	case d.magnitude > maxMagnitude:
		return errTooLarge
	case d.magnitude < minMagnitude:
		return errTooSmall
	default:
		return nil
	}
}

// plainJSON says whether a number goes into plain JSON as it stands: its text is JSON's own, and a
// client that holds numbers as float64 gives it back unharmed.
func plainJSON(text string) bool {
	if !isJSONNumber(text) {
		return false
	}
	if len(text) <= floatDigits && !strings.ContainsAny(text, "eE") {
		return true
	}
	d, err := parseDecimal(text)
	return err == nil && d.survivesFloat(text)
}

// isJSONNumber checks RFC 8259, section 6: no plus sign, no leading zeros, digits on both sides of a point.
func isJSONNumber(text string) bool {
	mantissa, _, ok := splitExponent(strings.TrimPrefix(text, "-"))
	if !ok {
		return false
	}
	whole, fraction, pointed := strings.Cut(mantissa, ".")
	switch {
	case whole == "" || !allDigits(whole) || (len(whole) > 1 && whole[0] == '0'):
		return false
	case pointed:
		return fraction != "" && allDigits(fraction)
	default:
		return true
	}
}

// survivesFloat says whether a client that reads d as a float64 and prints it in the shortest form
// that reads back the same (ECMA-262 Number::toString, what a browser does) ends up with d again.
func (d decimal) survivesFloat(text string) bool {
	if len(d.digits) <= floatDigits {
		return true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return false
	}
	var buffer [32]byte
	back, err := parseDecimal(string(strconv.AppendFloat(buffer[:0], f, 'e', -1, 64)))
	return err == nil && back == d
}

// compare orders by numeric value.
func (d decimal) compare(other decimal) int {
	if sign := cmp.Compare(d.sign(), other.sign()); sign != 0 || d.digits == "" {
		return sign
	}
	order := cmp.Or(cmp.Compare(d.magnitude, other.magnitude), strings.Compare(d.digits, other.digits))
	if d.negative {
		return -order
	}
	return order
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	default:
		return 1
	}
}

// CheckNumber says whether text is a number that DynamoDB holds exactly; the error tells what is wrong
// with it in words that fit after "the number", and never repeats it.
func CheckNumber(text string) error {
	d, err := parseDecimal(text)
	if err != nil {
		return err
	}
	return d.fits()
}

// CompareNumbers orders two numbers as DynamoDB sorts them: by value, exactly. A text that isn't a
// number, which DynamoDB never returns, sorts as zero.
func CompareNumbers(a, b string) int {
	x, _ := parseDecimal(a)
	y, _ := parseDecimal(b)
	return x.compare(y)
}
