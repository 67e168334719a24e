package policy

import (
	"strconv"
	"strings"
	"time"
)

// decimal is an exact decimal number. Policies compare sizes and counts that a float64 would round.
type decimal struct {
	negative bool
	whole    string // without leading zeros
	fraction string // without trailing zeros
}

// parseDecimal takes an optional sign, digits, and optionally a point with digits; no exponent.
func parseDecimal(s string) (decimal, bool) {
	unsigned := strings.TrimPrefix(s, "-")
	negative := unsigned != s
	if !negative {
		unsigned = strings.TrimPrefix(s, "+")
	}
	whole, fraction, point := strings.Cut(unsigned, ".")
	if whole+fraction == "" || !digits(whole) || !digits(fraction) || point && fraction == "" {
		return decimal{}, false
	}
	d := decimal{negative, strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")}
	if d.whole == "" && d.fraction == "" {
		d.negative = false
	}
	return d, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// compare returns -1, 0 or 1.
func (d decimal) compare(other decimal) int {
	if d.negative != other.negative {
		if d.negative {
			return -1
		}
		return 1
	}
	order := len(d.whole) - len(other.whole)
	if order == 0 {
		order = strings.Compare(d.whole, other.whole)
	}
	if order == 0 {
		order = strings.Compare(d.fraction, other.fraction)
	}
	if d.negative {
		order = -order
	}
	return sign(order)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// parseDate takes the forms of W3C's profile of ISO 8601 ("Date and Time Formats"; a time without a zone is UTC), and seconds
// since 1970. Four digits are a year.
func parseDate(s string) (time.Time, bool) {
	if d, ok := parseDecimal(s); ok && (len(s) != len("2006") || !digits(s)) {
		return d.unix()
	}
	for _, layout := range [...]string{
		time.RFC3339, time.DateOnly, "2006-01", "2006", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// unix returns the time d seconds after 1970 began, to the nanosecond; ok is false for times beyond 30,000 years.
func (d decimal) unix() (t time.Time, ok bool) {
	if len(d.whole) > 12 {
		return time.Time{}, false
	}
	seconds, _ := strconv.ParseInt("0"+d.whole, 10, 64)
	nanos, _ := strconv.ParseInt((d.fraction + "000000000")[:9], 10, 64)
	if d.negative {
		seconds, nanos = -seconds, -nanos
	}
	return time.Unix(seconds, nanos), true
}
