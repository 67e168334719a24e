package value_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
)

func parse(t rapid.TB, text string) value.Decimal {
	t.Helper()
	d, err := value.ParseDecimal(text)
	if err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	return d
}

func TestTrap25OneNumberOneForm(t *testing.T) {
	for want, forms := range map[string][]string{
		"0":                                      {"0", "-0", "0.0", "0E200", "0e-200", "+0"},
		"1":                                      {"1", "1.0", "1E0", "+1", "1.", "0001", "10e-1", "0.1E1"},
		"0.5":                                    {".5", "5e-1", "0.50"},
		"100000":                                 {"1E5", "1e+5", "100000.000"},
		"-0.0001":                                {"-1E-4", "-.0001"},
		"12345678901234567890123456789012345678": {"12345678901234567890123456789012345678"},
		"1234567890123456789012345678901234567800": {"1234567890123456789012345678901234567800"},
		"1" + strings.Repeat("0", 125):             {"1E125"},
		"0." + strings.Repeat("0", 129) + "1":      {"1E-130"},
	} {
		for _, form := range forms {
			if got := parse(t, form).String(); got != want {
				t.Errorf("%s: got %s, want %s", form, got, want)
			}
		}
	}
}

func TestNumbersOutOfBounds(t *testing.T) {
	const (
		notNumeric = "The parameter cannot be converted to a numeric value"
		precision  = "Attempting to store more than 38 significant digits in a Number"
		over       = "Number overflow. Attempting to store a number with magnitude larger than supported range"
		under      = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
	)
	for text, want := range map[string]string{
		"":               notNumeric,
		"NaN":            notNumeric + ": NaN",
		"1_0":            notNumeric + ": 1_0",
		" 1":             notNumeric + ":  1",
		"--1":            notNumeric + ": --1",
		"1e5.5":          notNumeric + ": 1e5.5",
		"1E":             notNumeric + ": 1E",
		".":              notNumeric + ": .",
		"1E999999999999": notNumeric + ": 1E999999999999",
		"1E126":          over,
		"-1E126":         over,
		"1E2000000":      over,
		"1E-131":         under,
		"-1E-2000000":    under,
		"123456789012345678901234567890123456789":   precision,
		"0.123456789012345678901234567890123456789": precision,
	} {
		_, err := value.ParseDecimal(text)
		var bad *value.Error
		if !errors.As(err, &bad) {
			t.Errorf("%q: got %v, want an Error", text, err)
			continue
		}
		if diff := cmp.Diff(bad.Message, want); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// numbers draws texts of numbers within the bounds, in all their forms, often near or equal to each other.
func numbers() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		sign := rapid.SampledFrom([]string{"", "-", "+"}).Draw(t, "sign")
		digits := rapid.OneOf(rapid.StringMatching(`[0-9]{1,3}`), rapid.StringMatching(`[0-9]{1,38}`)).Draw(t, "digits")
		point := rapid.IntRange(0, len(digits)).Draw(t, "point")
		exponent := rapid.SampledFrom([]string{"", "E0", "e1", "E-1", "E+2", "e80", "E-80"}).Draw(t, "exponent")
		return sign + digits[:point] + "." + digits[point:] + exponent
	})
}

func exact(t *rapid.T, text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("the oracle doesn't read %q", text)
	}
	return r
}

func TestDecimalsAgreeWithRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := numbers().Draw(t, "a")
		// The second number is often the first with more digits, which is where an order of texts goes wrong.
		b := rapid.OneOf(numbers(), rapid.Map(rapid.StringMatching(`[0-9]{1,3}`), func(digits string) string {
			return strings.TrimRight(strings.SplitN(strings.ToUpper(a), "E", 2)[0], "0") + digits
		})).Filter(func(s string) bool { _, err := value.ParseDecimal(s); return err == nil }).Draw(t, "b")
		da, db, ra, rb := parse(t, a), parse(t, b), exact(t, a), exact(t, b)
		if exact(t, da.String()).Cmp(ra) != 0 {
			t.Fatalf("%s became %s", a, da)
		}
		if parse(t, da.String()).String() != da.String() {
			t.Fatalf("%s is not canonical", da)
		}
		want := ra.Cmp(rb)
		if got := da.Cmp(db); got != want {
			t.Fatalf("compare %s and %s: got %d, want %d", a, b, got, want)
		}
		if got := da.Equal(db); got != (want == 0) {
			t.Fatalf("%s equals %s: got %v", a, b, got)
		}
		ka, kb := value.NewNumber(da).SortKey(), value.NewNumber(db).SortKey()
		if got := strings.Compare(ka, kb); got != want {
			t.Fatalf("sort keys of %s and %s: got %d, want %d", a, b, got, want)
		}
		if sum, err := da.Add(db); err == nil && exact(t, sum.String()).Cmp(new(big.Rat).Add(ra, rb)) != 0 {
			t.Fatalf("%s + %s: got %s", a, b, sum)
		}
		if rest, err := da.Sub(db); err == nil && exact(t, rest.String()).Cmp(new(big.Rat).Sub(ra, rb)) != 0 {
			t.Fatalf("%s - %s: got %s", a, b, rest)
		}
	})
}

func TestSumsAreNeverRounded(t *testing.T) {
	_, err := parse(t, "1E38").Add(parse(t, "1"))
	if err == nil {
		t.Error("1E38 + 1 needs 39 digits, and was given")
	}
	sum, err := parse(t, "1E37").Add(parse(t, "1"))
	if err != nil || sum.String() != "10000000000000000000000000000000000001" {
		t.Errorf("1E37 + 1: got %s, %v", sum, err)
	}
}
