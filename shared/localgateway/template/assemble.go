package template

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// template resolves every resource that exists, and every output.
func (s *stack) template() (*Template, error) {
	out := &Template{Outputs: map[string]string{}, Parameters: map[string]string{}}
	faults := []error{s.checkConditions(), s.checkGlobals()}
	for name, value := range s.parameters {
		out.Parameters[name] = parameterText(value)
	}
	for _, id := range sortedNames(s.resources) {
		if err := s.add(out, s.resources[id]); err != nil {
			faults = append(faults, at(err, "Resources", id))
		}
	}
	for _, name := range sortedNames(s.outputs) {
		if err := s.addOutput(out, name); err != nil {
			faults = append(faults, at(err, "Outputs", name))
		}
	}
	faults = append(faults, s.addRolePolicies(out), out.resolveRoutes(), out.resolveRoles())
	out.sort()
	return out, errors.Join(faults...)
}

func parameterText(value any) string {
	if text, isText := value.(string); isText {
		return text
	}
	items, _ := value.([]any)
	texts := make([]string, 0, len(items))
	for _, item := range items {
		text, _ := item.(string)
		texts = append(texts, text)
	}
	return strings.Join(texts, ",")
}

// checkConditions evaluates conditions that nothing uses too: a fault in one would stop a deployment.
func (s *stack) checkConditions() error {
	var faults []error
	for _, name := range sortedNames(s.conditions) {
		if _, err := s.condition(name); err != nil {
			faults = append(faults, at(err, "Conditions", name))
		}
	}
	return errors.Join(faults...)
}

func (s *stack) checkGlobals() error {
	var faults []error
	for _, name := range sortedNames(s.globals) {
		if name != "Function" && name != "HttpApi" {
			faults = append(faults, at(errors.New("unknown section"), "Globals", name))
		}
	}
	return errors.Join(faults...)
}

// add resolves one resource and puts what it says into out.
func (s *stack) add(out *Template, r resource) error {
	there, err := s.exists(r)
	if err != nil || !there {
		return err
	}
	id, err := s.physicalID(r)
	if err != nil {
		return err
	}
	properties, err := s.resolveMap(s.withGlobals(r))
	if err != nil {
		return err
	}
	switch r.kind {
	case "AWS::Serverless::HttpApi":
		return out.addAPI(r, id, properties)
	case "AWS::Serverless::Function":
		return s.addFunction(out, r, id, properties)
	case "AWS::DynamoDB::Table":
		return s.addTable(out, r, id, properties)
	case "AWS::SQS::Queue":
		return s.addQueue(out, r, id, properties)
	case "AWS::Scheduler::Schedule":
		return out.addSchedule(r, id, properties)
	case "AWS::KMS::Key":
		return s.addKey(out, r, id, properties)
	case "AWS::IAM::Role":
		return s.addRole(out, r, id, properties)
	case "AWS::Logs::LogGroup":
		return s.addLogGroup(out, r, id, properties)
	default: // alarms and aliases say nothing that a local stack needs; role policies are added last
		return nil
	}
}

// withGlobals merges the template's Globals into a serverless resource's properties.
func (s *stack) withGlobals(r resource) map[string]any {
	section, serverless := strings.CutPrefix(r.kind, "AWS::Serverless::")
	if !serverless {
		return r.properties
	}
	global, _ := s.globals[section].(map[string]any)
	return merge(global, r.properties)
}

// merge joins two maps as SAM does: maps are merged, lists joined with the global part first, anything else is
// overridden by the resource's own.
func merge(global, own map[string]any) map[string]any {
	out := make(map[string]any, len(global)+len(own))
	maps.Copy(out, global)
	for name, value := range own {
		out[name] = mergeValue(out[name], value)
	}
	return out
}

func mergeValue(global, own any) any {
	switch own := own.(type) {
	case map[string]any:
		if m, isMap := global.(map[string]any); isMap {
			return merge(m, own)
		}
	case []any:
		if list, isList := global.([]any); isList {
			return slices.Concat(list, own)
		}
	}
	return own
}

func (s *stack) addOutput(out *Template, name string) error {
	declared, ok := s.outputs[name].(map[string]any)
	if !ok {
		return errors.New("want a map")
	}
	if condition, conditional := declared["Condition"].(string); conditional {
		there, err := s.condition(condition)
		if err != nil || !there {
			return err
		}
	}
	value, err := s.resolve(declared["Value"])
	if err != nil {
		return err
	}
	text, err := asText(value)
	if err != nil {
		return err
	}
	out.Outputs[name] = text
	return nil
}

// sort puts routes and policies in their promised order; everything else comes sorted by logical id.
func (t *Template) sort() {
	slices.SortFunc(t.Routes, func(a, b Route) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return strings.Compare(a.Method, b.Method)
	})
	for i := range t.Roles {
		slices.SortFunc(t.Roles[i].Policies, func(a, b Policy) int { return strings.Compare(a.Name, b.Name) })
	}
}
