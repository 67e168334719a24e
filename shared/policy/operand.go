package policy

import (
	"bytes"
	"encoding/base64"
	"net/netip"
	"strings"
	"time"
)

// nothing is an operand that isn't of its operator's type.
type nothing struct{}

func (nothing) matches(string, *query) bool { return false }

// exactString compares byte for byte.
type exactString struct{ text pattern }

func newString(text string, variables bool) (operand, error) {
	p, err := compilePattern(text, dialect{variables: variables})
	return &exactString{p}, err
}

func (o *exactString) matches(value string, q *query) bool { return o.text.match(value, q) }

// foldedString compares without regard to case.
type foldedString struct{ text pattern }

func newFoldedString(text string, variables bool) (operand, error) {
	p, err := compilePattern(text, dialect{variables: variables})
	return &foldedString{p}, err
}

func (o *foldedString) matches(value string, q *query) bool { return o.text.equalFold(value, q) }

// wildcardString is StringLike's.
type wildcardString struct{ text pattern }

func newWildcardString(text string, variables bool) (operand, error) {
	p, err := compilePattern(text, dialect{wildcards: true, variables: variables})
	return &wildcardString{p}, err
}

func (o *wildcardString) matches(value string, q *query) bool { return o.text.match(value, q) }

// boolean is true or false, in any case.
type boolean bool

func newBool(text string, _ bool) (operand, error) {
	switch {
	case strings.EqualFold(text, "true"):
		return boolean(true), nil
	case strings.EqualFold(text, "false"):
		return boolean(false), nil
	}
	return nothing{}, nil
}

func (o boolean) matches(value string, _ *query) bool {
	if o {
		return strings.EqualFold(value, "true")
	}
	return strings.EqualFold(value, "false")
}

// binary compares what two base64 texts stand for.
type binary []byte

func newBinary(text string, _ bool) (operand, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nothing{}, nil //nolint:nilerr // what isn't base64 equals nothing, as with the other types
	}
	return binary(decoded), nil
}

func (o binary) matches(value string, _ *query) bool {
	decoded, err := base64.StdEncoding.DecodeString(value)
	return err == nil && bytes.Equal(decoded, o)
}

// network is a range of addresses, IPv4 or IPv6; an address alone is a range of one.
type network netip.Prefix

func newNetwork(text string, _ bool) (operand, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return network(netip.PrefixFrom(addr, addr.BitLen())), nil
	}
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return network(prefix.Masked()), nil
	}
	return nothing{}, nil
}

func (o network) matches(value string, _ *query) bool {
	addr, err := netip.ParseAddr(value)
	return err == nil && netip.Prefix(o).Contains(addr.Unmap())
}

// number is a decimal number and what its order relative to the request's must be.
type number struct {
	value decimal
	holds func(order int) bool
}

func newNumber(text string, holds func(int) bool) operand {
	value, ok := parseDecimal(text)
	if !ok {
		return nothing{}
	}
	return &number{value, holds}
}

func (o *number) matches(value string, _ *query) bool {
	d, ok := parseDecimal(value)
	return ok && o.holds(d.compare(o.value))
}

// date is a point in time, likewise.
type date struct {
	value time.Time
	holds func(order int) bool
}

func newDate(text string, holds func(int) bool) operand {
	value, ok := parseDate(text)
	if !ok {
		return nothing{}
	}
	return &date{value, holds}
}

func (o *date) matches(value string, _ *query) bool {
	t, ok := parseDate(value)
	return ok && o.holds(t.Compare(o.value))
}
