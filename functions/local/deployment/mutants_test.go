package deployment_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/shared/localgateway/template"
)

// mutant is a change of the template that a test must notice, and name.
type mutant struct {
	name   string // of the change
	named  string // what the fault must hold
	change func(document *yaml.Node)
}

// Whatever variable is taken out of the template or added to it, for one function or for all, is named by the check of variables.
func TestEveryVariableIsHeld(t *testing.T) {
	t.Parallel()
	top := parse(t).Content[0]
	var mutants []mutant
	for _, place := range append(functionIDs(top), "Globals") {
		variables := variablesOf(top, place)
		for i := 0; i < len(variables.Content); i += 2 {
			name := variables.Content[i].Value
			mutants = append(mutants, mutant{"without " + name + " of " + place, name, func(d *yaml.Node) { drop(variablesOf(d, place), name) }})
		}
		mutants = append(mutants, mutant{"one more for " + place, "ARNGATE_UNHEARD_OF", func(d *yaml.Node) {
			add(variablesOf(d, place), "ARNGATE_UNHEARD_OF", &yaml.Node{Kind: yaml.ScalarNode, Value: "x"})
		}})
	}
	read := variables(t)
	notice(t, mutants, func(declared *template.Template) []string { return variableFaults(read, declared) })
}

// Whatever route is taken out of the template, opened, closed or added is named by the check of routes.
func TestEveryRouteIsHeld(t *testing.T) {
	t.Parallel()
	top := parse(t).Content[0]
	var mutants []mutant
	for _, id := range functionIDs(top) {
		events := eventsOf(top, id)
		for i := 0; i < len(events.Content); i += 2 {
			event, properties := events.Content[i].Value, member(events.Content[i+1], "Properties")
			if member(events.Content[i+1], "Type").Value != "HttpApi" {
				continue
			}
			key := member(properties, "Method").Value + " " + member(properties, "Path").Value
			mutants = append(mutants,
				mutant{"without " + key, id + " " + key, func(d *yaml.Node) { drop(eventsOf(d, id), event) }},
				mutant{"the other authorizer for " + key, id + " " + key, func(d *yaml.Node) {
					turn(member(member(eventsOf(d, id), event), "Properties"))
				}})
		}
		if len(events.Content) > 0 {
			mutants = append(mutants, mutant{"one more for " + id, id + " GET /v1/unheard-of", func(d *yaml.Node) { addRoute(t, eventsOf(d, id)) }})
		}
	}
	operations := deployment.Routes()
	notice(t, mutants, func(declared *template.Template) []string { return routeFaults(operations, declared) })
}

// notice wants each mutant to be named: by the check, or, where the template makes no sense any more, by loading it.
func notice(t *testing.T, mutants []mutant, check func(*template.Template) []string) {
	t.Helper()
	if len(mutants) < 10 {
		t.Fatalf("there are only %d mutants", len(mutants))
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			document := parse(t)
			m.change(document.Content[0])
			path := filepath.Join(t.TempDir(), "template.yaml")
			write(t, path, document)
			declared, err := loadFrom(path)
			if err != nil {
				if !strings.Contains(err.Error(), m.named) {
					t.Errorf("got %v, want an error that names %s", err, m.named)
				}
				return
			}
			faults := check(declared)
			if !slices.ContainsFunc(faults, func(fault string) bool { return strings.Contains(fault, m.named) }) {
				t.Errorf("got %q, want a fault that names %s", faults, m.named)
			}
		})
	}
}

// functionIDs are the logical ids of the template's functions.
func functionIDs(top *yaml.Node) (ids []string) {
	resources := member(top, "Resources")
	for i := 0; i < len(resources.Content); i += 2 {
		if member(resources.Content[i+1], "Type").Value == "AWS::Serverless::Function" {
			ids = append(ids, resources.Content[i].Value)
		}
	}
	return ids
}

// variablesOf is the environment of a function, or what Globals gives to all.
func variablesOf(top *yaml.Node, place string) *yaml.Node {
	holder := member(member(top, "Globals"), "Function")
	if place != "Globals" {
		holder = member(member(member(top, "Resources"), place), "Properties")
	}
	return member(member(holder, "Environment"), "Variables")
}

func eventsOf(top *yaml.Node, function string) *yaml.Node {
	return member(member(member(member(top, "Resources"), function), "Properties"), "Events")
}

func drop(m *yaml.Node, name string) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			m.Content = slices.Delete(m.Content, i, i+2)
			return
		}
	}
}

func add(m *yaml.Node, name string, value *yaml.Node) {
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, value)
}

// turn makes a public route a protected one, and the other way round.
func turn(properties *yaml.Node) {
	if len(member(properties, "Auth").Content) > 0 {
		drop(properties, "Auth")
		return
	}
	add(properties, "Auth", &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
		{Kind: yaml.ScalarNode, Value: "Authorizer"}, {Kind: yaml.ScalarNode, Value: "NONE"},
	}})
}

func addRoute(t *testing.T, events *yaml.Node) {
	t.Helper()
	var event yaml.Node
	if err := yaml.Unmarshal([]byte("{Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /v1/unheard-of}}"), &event); err != nil {
		t.Fatal(err)
	}
	add(events, "UnheardOf", event.Content[0])
}
