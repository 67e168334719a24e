package template

import (
	"errors"
	"fmt"
)

// choose is Fn::If. Only the branch that counts is resolved: the other may name what isn't there.
func (s *stack) choose(arg any) (any, error) {
	parts, _ := arg.([]any)
	if len(parts) != 3 {
		return nil, errors.New("want a condition and two values")
	}
	name, ok := parts[0].(string)
	if !ok {
		return nil, errors.New("want the name of a condition")
	}
	yes, err := s.condition(name)
	if err != nil {
		return nil, err
	}
	if yes {
		return s.resolve(parts[1])
	}
	return s.resolve(parts[2])
}

// condition evaluates the named entry of the template's Conditions.
func (s *stack) condition(name string) (bool, error) {
	expression, known := s.conditions[name]
	if !known {
		return false, fmt.Errorf("condition %s is not declared", name)
	}
	leave, err := s.enter("condition " + name)
	if err != nil {
		return false, err
	}
	defer leave()
	return s.holds(expression)
}

// holds evaluates a condition function.
func (s *stack) holds(expression any) (bool, error) {
	c, ok := asCondition(expression)
	if !ok {
		return false, errors.New("want a condition function")
	}
	if c.name == "Condition" {
		name, isText := c.arg.(string)
		if !isText {
			return false, errors.New("want the name of a condition")
		}
		return s.condition(name)
	}
	parts, _ := c.arg.([]any)
	switch c.name {
	case "Fn::Equals":
		return s.equals(parts)
	case "Fn::Not":
		if len(parts) != 1 {
			return false, errors.New("Fn::Not wants one condition")
		}
		yes, err := s.holds(parts[0])
		return !yes && err == nil, err
	case "Fn::And", "Fn::Or":
		return s.combine(c.name == "Fn::And", parts)
	default:
		return false, fmt.Errorf("%s is not a condition function", c.name)
	}
}

// asCondition also takes the long form `Condition: Name`, which outside of conditions is an ordinary property.
func asCondition(expression any) (call, bool) {
	switch e := expression.(type) {
	case call:
		return e, true
	case map[string]any:
		name, named := e["Condition"]
		return call{name: "Condition", arg: name}, named && len(e) == 1
	default:
		return call{}, false
	}
}

func (s *stack) equals(parts []any) (bool, error) {
	texts, err := s.texts(parts)
	if err != nil {
		return false, err
	}
	if len(texts) != 2 {
		return false, errors.New("Fn::Equals wants two values")
	}
	return texts[0] == texts[1], nil
}

func (s *stack) combine(all bool, parts []any) (bool, error) {
	const most = 10 // conditions in one Fn::And or Fn::Or
	if len(parts) < 2 || len(parts) > most {
		return false, fmt.Errorf("Fn::And and Fn::Or want 2 to %d conditions", most)
	}
	verdict := all
	var faults []error
	for _, part := range parts {
		yes, err := s.holds(part)
		faults = append(faults, err)
		if yes != all {
			verdict = !all
		}
	}
	return verdict, errors.Join(faults...)
}
