package template

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// call is an intrinsic function as the template writes it, short (`!Sub x`) or long (`Fn::Sub: x`), and its
// unresolved argument.
type call struct {
	name string
	arg  any
	line int
}

// decode turns YAML into maps, lists, scalars and calls. Maps are map[string]any; scalars are string, int64,
// float64, bool or nil. A date such as 2012-10-17 stays the string it is written as.
func decode(text []byte) (map[string]any, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("read YAML: the template is not a map")
	}
	value, err := decodeNode(document.Content[0])
	if err != nil {
		return nil, err
	}
	root, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("read YAML: the template is not a map")
	}
	return root, nil
}

func decodeNode(n *yaml.Node) (any, error) {
	if name, short := shortForm(n.Tag); short {
		return decodeShort(n, name)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return decodeMap(n)
	case yaml.SequenceNode:
		return decodeList(n)
	case yaml.ScalarNode:
		return decodeScalar(n)
	case yaml.AliasNode, yaml.DocumentNode:
		return nil, fmt.Errorf("line %d: anchors and aliases are not supported", n.Line)
	default:
		return nil, fmt.Errorf("line %d: unknown kind of YAML node", n.Line)
	}
}

// shortForm gives the full name of an intrinsic function from its tag: `!Sub` is Fn::Sub, `!Ref` is Ref.
func shortForm(tag string) (name string, short bool) {
	bare, local := strings.CutPrefix(tag, "!")
	if !local || strings.HasPrefix(bare, "!") {
		return "", false
	}
	if bare == "Ref" || bare == "Condition" {
		return bare, true
	}
	return "Fn::" + bare, true
}

func decodeShort(n *yaml.Node, name string) (any, error) {
	plain := *n
	plain.Tag = ""
	if plain.Kind == yaml.ScalarNode {
		plain.Tag = "!!str"
	}
	arg, err := decodeNode(&plain)
	if err != nil {
		return nil, err
	}
	if text, isText := arg.(string); isText && name == "Fn::GetAtt" {
		resource, attribute, _ := strings.Cut(text, ".")
		arg = []any{resource, attribute}
	}
	return call{name: name, arg: arg, line: n.Line}, nil
}

func decodeMap(n *yaml.Node) (any, error) {
	out := make(map[string]any, len(n.Content)/2)
	var faults []error
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			faults = append(faults, fmt.Errorf("line %d: a name must be a plain string", key.Line))
			continue
		}
		if _, twice := out[key.Value]; twice {
			faults = append(faults, fmt.Errorf("line %d: %s is there twice", key.Line, key.Value))
			continue
		}
		value, err := decodeNode(n.Content[i+1])
		if err != nil {
			faults = append(faults, err)
			continue
		}
		out[key.Value] = value
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return longForm(out, n.Line), nil
}

// longForm turns a map whose only name is Ref or an Fn:: into the call it is, and leaves every other map alone.
func longForm(m map[string]any, line int) any {
	if len(m) != 1 {
		return m
	}
	for name, arg := range m {
		if name == "Ref" || strings.HasPrefix(name, "Fn::") {
			return call{name: name, arg: arg, line: line}
		}
	}
	return m
}

func decodeList(n *yaml.Node) (any, error) {
	out := make([]any, 0, len(n.Content))
	var faults []error
	for _, item := range n.Content {
		value, err := decodeNode(item)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		out = append(out, value)
	}
	return out, errors.Join(faults...)
}

func decodeScalar(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!int":
		number, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: read number: %w", n.Line, err)
		}
		return number, nil
	case "!!float":
		number, err := strconv.ParseFloat(n.Value, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: read number: %w", n.Line, err)
		}
		return number, nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case "!!null":
		return nil, fmt.Errorf("line %d: a value is missing", n.Line)
	case "!!str", "!!timestamp":
		return n.Value, nil
	default:
		return nil, fmt.Errorf("line %d: unknown YAML tag %s", n.Line, n.Tag)
	}
}
