package template

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// noValue is what AWS::NoValue resolves to: the property or list element that holds it isn't there.
type noValue struct{}

// resolve replaces every call within v by its value.
func (s *stack) resolve(v any) (any, error) {
	switch v := v.(type) {
	case call:
		value, err := s.apply(v)
		if err != nil {
			return nil, fmt.Errorf("line %d: resolve %s: %w", v.line, v.name, err)
		}
		return value, nil
	case map[string]any:
		return s.resolveMap(v)
	case []any:
		return s.resolveList(v)
	default:
		return v, nil
	}
}

func (s *stack) resolveMap(m map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(m))
	var faults []error
	for _, name := range sortedNames(m) {
		value, err := s.resolve(m[name])
		if err != nil {
			faults = append(faults, at(err, name))
			continue
		}
		if _, none := value.(noValue); !none {
			out[name] = value
		}
	}
	return out, errors.Join(faults...)
}

func (s *stack) resolveList(list []any) ([]any, error) {
	out := make([]any, 0, len(list))
	var faults []error
	for _, item := range list {
		value, err := s.resolve(item)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if _, none := value.(noValue); !none {
			out = append(out, value)
		}
	}
	return out, errors.Join(faults...)
}

func (s *stack) apply(c call) (any, error) {
	switch c.name {
	case "Ref":
		return s.ref(c.arg)
	case "Fn::GetAtt":
		return s.getAtt(c.arg)
	case "Fn::Sub":
		return s.sub(c.arg)
	case "Fn::Join":
		return s.join(c.arg)
	case "Fn::Split":
		return s.split(c.arg)
	case "Fn::Select":
		return s.selectOne(c.arg)
	case "Fn::If":
		return s.choose(c.arg)
	case "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or", "Condition":
		return s.holds(c)
	default:
		return nil, errors.New("unknown intrinsic function")
	}
}

func (s *stack) ref(arg any) (any, error) {
	name, ok := arg.(string)
	if !ok {
		return nil, errors.New("want a name")
	}
	if value, known := s.parameters[name]; known {
		return value, nil
	}
	if value, known := s.pseudo[name]; known {
		return value, nil
	}
	return s.attribute(name, "")
}

func (s *stack) getAtt(arg any) (any, error) {
	parts, err := s.texts(arg)
	if err != nil {
		return nil, err
	}
	if len(parts) != 2 || parts[1] == "" {
		return nil, errors.New("want a resource and an attribute")
	}
	return s.attribute(parts[0], parts[1])
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// sub fills ${Name}, ${Resource.Attribute} and ${Local}; ${!Name} is the literal ${Name}.
func (s *stack) sub(arg any) (any, error) {
	pattern, locals, err := s.subArguments(arg)
	if err != nil {
		return nil, err
	}
	var faults []error
	out := placeholder.ReplaceAllStringFunc(pattern, func(found string) string {
		name := found[len("${") : len(found)-len("}")]
		if literal, escaped := strings.CutPrefix(name, "!"); escaped {
			return "${" + literal + "}"
		}
		text, err := s.subName(name, locals)
		if err != nil {
			faults = append(faults, fmt.Errorf("${%s}: %w", name, err))
		}
		return text
	})
	return out, errors.Join(faults...)
}

func (s *stack) subArguments(arg any) (pattern string, locals map[string]any, err error) {
	if pattern, ok := arg.(string); ok {
		return pattern, nil, nil
	}
	parts, _ := arg.([]any)
	if len(parts) != 2 {
		return "", nil, errors.New("want a string, or a string and a map")
	}
	pattern, isText := parts[0].(string)
	given, isMap := parts[1].(map[string]any)
	if !isText || !isMap {
		return "", nil, errors.New("want a string, or a string and a map")
	}
	locals, err = s.resolveMap(given)
	return pattern, locals, err
}

func (s *stack) subName(name string, locals map[string]any) (string, error) {
	if value, local := locals[name]; local {
		return asText(value)
	}
	if resource, attribute, dotted := strings.Cut(name, "."); dotted {
		return s.attribute(resource, attribute)
	}
	value, err := s.ref(name)
	if err != nil {
		return "", err
	}
	return asText(value)
}

func (s *stack) join(arg any) (any, error) {
	parts, _ := arg.([]any)
	if len(parts) != 2 {
		return nil, errors.New("want a delimiter and a list")
	}
	delimiter, ok := parts[0].(string)
	if !ok {
		return nil, errors.New("want a delimiter and a list")
	}
	items, err := s.texts(parts[1])
	if err != nil {
		return nil, err
	}
	return strings.Join(items, delimiter), nil
}

func (s *stack) split(arg any) (any, error) {
	parts, err := s.texts(arg)
	if err != nil {
		return nil, err
	}
	if len(parts) != 2 || parts[0] == "" {
		return nil, errors.New("want a delimiter and a string")
	}
	return asList(strings.Split(parts[1], parts[0])), nil
}

func (s *stack) selectOne(arg any) (any, error) {
	parts, _ := arg.([]any)
	if len(parts) != 2 {
		return nil, errors.New("want an index and a list")
	}
	index, err := s.index(parts[0])
	if err != nil {
		return nil, err
	}
	value, err := s.resolve(parts[1])
	if err != nil {
		return nil, err
	}
	list, ok := value.([]any)
	if !ok {
		return nil, errors.New("want an index and a list")
	}
	if index < 0 || index >= len(list) {
		return nil, fmt.Errorf("index %d is outside a list of %d", index, len(list))
	}
	return list[index], nil
}

func (s *stack) index(arg any) (int, error) {
	value, err := s.resolve(arg)
	if err != nil {
		return 0, err
	}
	text, err := asText(value)
	if err != nil {
		return 0, err
	}
	index, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("read index: %w", err)
	}
	return index, nil
}

// texts resolves a list whose items must all be scalars.
func (s *stack) texts(arg any) ([]string, error) {
	value, err := s.resolve(arg)
	if err != nil {
		return nil, err
	}
	list, ok := value.([]any)
	if !ok {
		return nil, errors.New("want a list")
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		text, err := asText(item)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// asText is the string CloudFormation makes of a scalar where it wants a string.
func asText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	default:
		return "", errors.New("want a string, not a list, a map or AWS::NoValue")
	}
}

func asList(texts []string) []any {
	out := make([]any, 0, len(texts))
	for _, text := range texts {
		out = append(out, text)
	}
	return out
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
