package s3

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// postPolicy is what whoever signed a form allows it to hold ("POST Policy", Amazon S3 API Reference).
type postPolicy struct {
	expiration time.Time
	conditions []postCondition
	smallest   int64 // of the file, in bytes
	largest    int64
}

// postCondition is a condition on a field: eq, or starts-with.
type postCondition struct{ operator, field, value string }

// String is the condition as S3's errors show it.
func (c postCondition) String() string {
	return fmt.Sprintf(`["%s", "$%s", "%s"]`, c.operator, c.field, c.value)
}

// parsePostPolicy reads a policy as the form has it, in base64.
func parsePostPolicy(encoded string) (*postPolicy, error) {
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, invalidPolicy("Invalid base64 encoding.")
	}
	var body struct {
		Expiration *string            `json:"expiration"`
		Conditions *[]json.RawMessage `json:"conditions"`
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, invalidPolicy("Invalid JSON.")
	}
	if body.Expiration == nil {
		return nil, invalidPolicy("Policy missing expiration.")
	}
	if body.Conditions == nil {
		return nil, invalidPolicy("Policy missing conditions.")
	}
	p := &postPolicy{largest: math.MaxInt64}
	if p.expiration, err = time.Parse(time.RFC3339, *body.Expiration); err != nil {
		return nil, invalidPolicy("Invalid 'expiration' value: '" + *body.Expiration + "'")
	}
	for _, raw := range *body.Conditions {
		if err := p.add(raw); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func invalidPolicy(why string) error {
	return protocol.NewError(http.StatusBadRequest, "InvalidPolicyDocument", "Invalid Policy: %s", why)
}

// add reads one condition: an object of one field and its value, or a list.
func (p *postPolicy) add(raw json.RawMessage) error {
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		var simple map[string]string
		if err := json.Unmarshal(raw, &simple); err != nil || len(simple) != 1 {
			return invalidPolicy("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
		}
		for field, value := range simple {
			p.conditions = append(p.conditions, postCondition{"eq", field, value})
		}
		return nil
	}
	var list []json.RawMessage
	var operator string
	if err := json.Unmarshal(raw, &list); err != nil || len(list) != 3 || json.Unmarshal(list[0], &operator) != nil {
		return invalidPolicy("Invalid Condition: a condition is an object, or a list of an operator and two arguments.")
	}
	switch operator = strings.ToLower(operator); operator {
	case "content-length-range":
		return p.bound(list[1], list[2])
	case "eq", "starts-with":
		return p.match(operator, list[1], list[2])
	}
	return invalidPolicy("Invalid Condition: unknown operation '" + operator + "'.")
}

// bound reads a content-length-range. Its bounds may be numbers or text.
func (p *postPolicy) bound(low, high json.RawMessage) error {
	var smallest, largest int64
	for text, to := range map[*json.RawMessage]*int64{&low: &smallest, &high: &largest} {
		if err := json.Unmarshal(bytes.Trim(*text, `"`), to); err != nil {
			return invalidPolicy("Invalid Condition: content-length-range takes two integers.")
		}
	}
	p.smallest, p.largest = max(p.smallest, smallest), min(p.largest, largest)
	return nil
}

func (p *postPolicy) match(operator string, field, value json.RawMessage) error {
	c := postCondition{operator: operator}
	if json.Unmarshal(field, &c.field) != nil || json.Unmarshal(value, &c.value) != nil {
		return invalidPolicy("Invalid Condition: " + operator + " takes two strings.")
	}
	name, is := strings.CutPrefix(c.field, "$")
	if !is {
		return invalidPolicy("Invalid Condition: a field begins with $.")
	}
	c.field = name
	p.conditions = append(p.conditions, c)
	return nil
}

// check holds the policy against a form for a bucket and an object's key.
func (p *postPolicy) check(f *form, bucket, key string, now time.Time) error {
	if !now.Before(p.expiration) {
		return forbiddenByPolicy("Policy expired.")
	}
	covered := []string{"policy", "x-amz-signature"}
	for _, c := range p.conditions {
		field := strings.ToLower(c.field)
		covered = append(covered, field)
		value := f.get(field)
		switch field {
		case "bucket":
			value = bucket
		case "key":
			value = key
		}
		if !c.holds(value) {
			return forbiddenByPolicy("Policy Condition failed: " + c.String())
		}
	}
	for _, name := range f.names {
		if !strings.HasPrefix(name, "x-ignore-") && !slices.Contains(covered, name) {
			return forbiddenByPolicy("Extra input fields: " + name)
		}
	}
	return nil
}

func forbiddenByPolicy(why string) error {
	return protocol.NewError(http.StatusForbidden, "AccessDenied", "Invalid according to Policy: %s", why)
}

// holds compares a value with the condition. A Content-Type may be a list, whose every member must match.
func (c postCondition) holds(value string) bool {
	if c.operator == "eq" {
		return value == c.value
	}
	if !strings.EqualFold(c.field, "content-type") {
		return strings.HasPrefix(value, c.value)
	}
	for one := range strings.SplitSeq(value, ",") {
		if !strings.HasPrefix(one, c.value) {
			return false
		}
	}
	return true
}

// checkSize holds the policy against the size of the file.
func (p *postPolicy) checkSize(size int64) error {
	switch {
	case size > p.largest:
		return entityTooLarge(size, p.largest)
	case size < p.smallest:
		return protocol.NewError(http.StatusBadRequest, "EntityTooSmall",
			"Your proposed upload is smaller than the minimum allowed size").
			With("ProposedSize", size).With("MinSizeAllowed", p.smallest)
	}
	return nil
}
