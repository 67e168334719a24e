package template

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// stack is a template together with the inputs it is resolved for.
type stack struct {
	in         Inputs
	parameters map[string]any // string, or []any for a list
	pseudo     map[string]any
	conditions map[string]any
	globals    map[string]any
	resources  map[string]resource
	outputs    map[string]any
	open       map[string]bool // what is being resolved just now, to find cycles
}

// resource is one entry of Resources before it is resolved.
type resource struct {
	logicalID  string
	kind       string
	condition  string
	properties map[string]any
	metadata   map[string]any
	retained   bool
}

func newStack(document map[string]any, in Inputs) (*stack, error) {
	if in.Partition == "" {
		in.Partition = "aws"
	}
	s := &stack{in: in, open: map[string]bool{}, pseudo: pseudoParameters(in)}
	sections := map[string]func(map[string]any) error{
		"Parameters": s.readParameters,
		"Conditions": func(m map[string]any) error { s.conditions = m; return nil },
		"Globals":    func(m map[string]any) error { s.globals = m; return nil },
		"Resources":  s.readResources,
		"Outputs":    func(m map[string]any) error { s.outputs = m; return nil },
		"Metadata":   func(map[string]any) error { return nil },
	}
	faults := []error{checkHeader(document)}
	for _, name := range sortedNames(document) {
		if slices.Contains(headers, name) {
			continue
		}
		read, known := sections[name]
		body, isMap := document[name].(map[string]any)
		switch {
		case !known:
			faults = append(faults, at(errors.New("unknown section"), name))
		case !isMap:
			faults = append(faults, at(errors.New("want a map"), name))
		default:
			faults = append(faults, read(body))
		}
	}
	faults = append(faults, s.checkPhysical())
	return s, errors.Join(faults...)
}

// headers are the entries of a template that hold a string, not a section.
var headers = []string{"AWSTemplateFormatVersion", "Description", "Transform"}

func checkHeader(document map[string]any) error {
	if document["Transform"] != "AWS::Serverless-2016-10-31" {
		return at(errors.New("want AWS::Serverless-2016-10-31"), "Transform")
	}
	return nil
}

func pseudoParameters(in Inputs) map[string]any {
	return map[string]any{
		"AWS::AccountId": in.Account,
		"AWS::NoValue":   noValue{},
		"AWS::Partition": in.Partition,
		"AWS::Region":    in.Region,
		"AWS::StackName": in.StackName,
		"AWS::URLSuffix": urlSuffix(in.Partition),
	}
}

func urlSuffix(partition string) string {
	if partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

func (s *stack) readParameters(declared map[string]any) error {
	s.parameters = make(map[string]any, len(declared))
	var faults []error
	for _, name := range sortedNames(declared) {
		value, err := s.parameter(name, declared[name])
		if err != nil {
			faults = append(faults, at(err, "Parameters", name))
			continue
		}
		s.parameters[name] = value
	}
	for _, name := range sortedNames(s.in.Parameters) {
		if _, known := declared[name]; !known {
			faults = append(faults, at(errors.New("the template doesn't declare it"), "Parameters", name))
		}
	}
	return errors.Join(faults...)
}

// parameter gives the value of one parameter: the given one or the default, checked as CloudFormation checks it.
func (s *stack) parameter(name string, declared any) (any, error) {
	var d struct {
		Type                  string
		Default               *scalar
		Description           string
		AllowedValues         []scalar
		AllowedPattern        string
		ConstraintDescription string
		MinLength, MaxLength  *scalar
		MinValue, MaxValue    *scalar
		NoEcho                bool
	}
	if err := read(declared, &d); err != nil {
		return nil, err
	}
	text, given := s.in.Parameters[name]
	switch {
	case given:
	case d.Default != nil:
		text = string(*d.Default)
	default:
		return nil, errors.New("no value is given, and it has no default")
	}
	if len(d.AllowedValues) > 0 && !slices.Contains(d.AllowedValues, scalar(text)) {
		return nil, errors.New("the value is none of the allowed ones")
	}
	values := []string{text}
	if d.Type == "CommaDelimitedList" {
		values = splitList(text)
	}
	if err := matches(d.AllowedPattern, values); err != nil {
		return nil, err
	}
	switch d.Type {
	case "String", "Number":
		return text, nil
	case "CommaDelimitedList":
		return asList(values), nil
	default:
		return nil, fmt.Errorf("unknown parameter type %s", d.Type)
	}
}

// splitList is what CloudFormation makes of a CommaDelimitedList: its parts without the space around them.
func splitList(text string) []string {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func matches(pattern string, values []string) error {
	if pattern == "" {
		return nil
	}
	whole, err := regexp.Compile(`^(?:` + pattern + `)$`)
	if err != nil {
		return fmt.Errorf("read AllowedPattern: %w", err)
	}
	for _, value := range values {
		if !whole.MatchString(value) {
			return errors.New("the value doesn't match the AllowedPattern")
		}
	}
	return nil
}

func (s *stack) readResources(declared map[string]any) error {
	s.resources = make(map[string]resource, len(declared))
	var faults []error
	for _, id := range sortedNames(declared) {
		r, err := readResource(id, declared[id])
		if err != nil {
			faults = append(faults, at(err, "Resources", id))
			continue
		}
		s.resources[id] = r
	}
	return errors.Join(faults...)
}

func readResource(id string, declared any) (resource, error) {
	entry, ok := declared.(map[string]any)
	if !ok {
		return resource{}, errors.New("want a map")
	}
	r := resource{logicalID: id, properties: map[string]any{}}
	for _, name := range sortedNames(entry) {
		if err := r.set(name, entry[name]); err != nil {
			return resource{}, at(err, name)
		}
	}
	if _, known := kinds[r.kind]; !known {
		return resource{}, fmt.Errorf("unknown resource type %q", r.kind)
	}
	return r, nil
}

func (r *resource) set(name string, value any) error {
	text, isText := value.(string)
	section, isMap := value.(map[string]any)
	switch name {
	case "Type":
		r.kind = text
	case "Condition":
		r.condition = text
	case "DeletionPolicy":
		r.retained = strings.HasPrefix(text, "Retain")
	case "UpdateReplacePolicy":
	case "Properties":
		r.properties = section
		isText = isMap
	case "Metadata":
		r.metadata = section
		isText = isMap
	case "DependsOn":
		isText = true // the order of creation means nothing here
	default:
		return errors.New("unknown entry of a resource")
	}
	if !isText {
		return errors.New("wrong kind of value")
	}
	return nil
}

// checkPhysical refuses a physical name for what isn't in the template.
func (s *stack) checkPhysical() error {
	var faults []error
	for _, id := range sortedNames(s.in.Physical) {
		if _, known := s.resources[id]; !known {
			faults = append(faults, fmt.Errorf("physical name of %s: the template has no such resource", id))
		}
	}
	return errors.Join(faults...)
}

// exists says whether the resource's condition holds.
func (s *stack) exists(r resource) (bool, error) {
	if r.condition == "" {
		return true, nil
	}
	return s.condition(r.condition)
}

// enter marks what as being resolved; it fails when it already is, which means that the template goes in a circle.
func (s *stack) enter(what string) (leave func(), err error) {
	if s.open[what] {
		return nil, fmt.Errorf("%s depends on itself", what)
	}
	s.open[what] = true
	return func() { delete(s.open, what) }, nil
}
