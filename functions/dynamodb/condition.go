package dynamodb

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/arngate/arngate/functions/dynamodb/plan"
	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/problem"
)

// NativeCondition is a condition in DynamoDB's own form. What it says is DynamoDB's to check.
type NativeCondition struct {
	Expression string                    `json:"expression" minLength:"1" maxLength:"4096" doc:"DynamoDB's ConditionExpression" example:"attribute_not_exists(#id)"`
	Names      map[string]string         `json:"names,omitempty" doc:"Placeholders, such as #id, and the attribute names they stand for"`
	Values     map[string]jsontext.Value `json:"values,omitempty" doc:"Placeholders, such as :old, and the values they stand for"`
}

// parseNative reads a native condition out of a query parameter. Empty is none.
func parseNative(text string, at jsontext.Pointer) (*NativeCondition, []value.Fault) {
	if text == "" {
		return nil, nil
	}
	var native NativeCondition
	err := httpapi.Decode([]byte(text), &native)
	if err == nil {
		return &native, nil
	}
	faults := []value.Fault{}
	if p, ok := errors.AsType[*problem.Error](err); ok && p.Code == problem.InvalidRequest {
		for _, f := range p.Faults {
			faults = append(faults, value.Fault{Pointer: string(at) + f.Pointer, Message: f.Message})
		}
		return nil, faults
	}
	return nil, append(faults, value.Fault{Pointer: string(at), Message: "must be valid JSON"})
}

// writeCondition is the condition of a write in DynamoDB's words; without one its text is empty. ifAt and
// nativeAt are where the two forms stand in the request.
func writeCondition(raw []byte, ifAt jsontext.Pointer, native *NativeCondition, nativeAt jsontext.Pointer, mode value.Mode) (plan.Expression, []value.Fault) {
	structured := len(raw) > 0 && string(raw) != "null"
	switch {
	case structured && native != nil:
		return plan.Expression{}, []value.Fault{{Pointer: string(nativeAt), Message: "does not go together with if"}}
	case native != nil:
		return nativeExpression(native, nativeAt, mode)
	case !structured:
		return plan.Expression{}, nil
	}
	where, faults := plan.DecodeWhere(raw, mode, ifAt)
	if len(faults) > 0 {
		return plan.Expression{}, faults
	}
	expression, ok := plan.Native(where)
	if !ok {
		return plan.Expression{}, []value.Fault{{Pointer: string(ifAt), Message: "can't be checked by DynamoDB: it uses ends_with, is an empty any, or is longer than the 4 KB or 300 operators of an expression"}}
	}
	return expression, nil
}

func nativeExpression(native *NativeCondition, at jsontext.Pointer, mode value.Mode) (plan.Expression, []value.Fault) {
	values, faults := placeholders(native.Values, at.AppendToken("values"), mode)
	if !plan.Balanced(native.Expression) {
		faults = append(faults, value.Fault{Pointer: string(at.AppendToken("expression")), Message: "has a parenthesis without its other one"})
	}
	return plan.Expression{Text: native.Expression, Names: native.Names, Values: values}, faults
}

// placeholders decodes the values of native expressions. Nil if there are none.
func placeholders(raw map[string]jsontext.Value, at jsontext.Pointer, mode value.Mode) (value.Item, []value.Fault) {
	var values value.Item
	var faults []value.Fault
	for _, placeholder := range slices.Sorted(maps.Keys(raw)) {
		here := at.AppendToken(placeholder)
		if !strings.HasPrefix(placeholder, ":") {
			faults = append(faults, value.Fault{Pointer: string(here), Message: "must be a placeholder that begins with a colon"})
			continue
		}
		v, more := value.Decode(raw[placeholder], mode, here)
		faults = append(faults, more...)
		if values == nil {
			values = value.Item{}
		}
		values[placeholder] = v
	}
	return values, faults
}
