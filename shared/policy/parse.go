package policy

import (
	"errors"
	"fmt"
	"strings"
)

// Parse reads a policy and compiles it. Everything wrong with it is reported in one error ([errors.Join]), each fault with the
// JSON pointer to it and without the value found there; what isn't JSON at all ends at its first fault.
//
// Refused are unknown elements, effects, versions, principal types and operators, repeated names and Sids, missing Effect,
// Action or Statement, Resource missing without a principal (a trust policy has none), elements beside their Not... twin, values
// of a wrong type, and variables that never end. A policy AWS refuses for what it knows of services may parse: an action without
// a service, a wildcard inside a principal's ARN match nothing; a date, number or network that isn't one equals nothing.
func Parse(text []byte) (*Document, error) {
	root, err := readNode(text)
	if err != nil {
		return nil, fmt.Errorf("parse policy: %w", err)
	}
	p := parser{}
	p.document(root)
	if len(p.faults) > 0 {
		return nil, fmt.Errorf("parse policy: %w", errors.Join(p.faults...))
	}
	return &p.doc, nil
}

// parser builds one document.
type parser struct {
	faults faults
	doc    Document
	sids   map[string]bool
}

func (p *parser) document(root node) {
	var statement *node
	root.eachMember(&p.faults, func(name string, value node) {
		switch name {
		case "Version":
			p.doc.version = p.version(value)
		case "Id":
			p.doc.id = value.str(&p.faults)
		case "Statement":
			statement = &value
		default:
			p.faults.add(value, "isn't an element of a policy")
		}
	})
	if root.kind != '{' {
		return
	}
	if statement == nil {
		p.faults.add(root, "has no Statement")
		return
	}
	p.sids = make(map[string]bool)
	for _, n := range statement.list() {
		p.statement(n)
	}
}

func (p *parser) version(n node) string {
	version := n.str(&p.faults)
	if n.kind == '"' && version != Version2008 && version != Version2012 {
		p.faults.add(n, "must be "+Version2008+" or "+Version2012)
	}
	return version
}

// statement parses and compiles n. The document's version must be known by then.
func (p *parser) statement(n node) {
	s := Statement{}
	n.eachMember(&p.faults, func(name string, value node) { p.element(&s, name, value) })
	if n.kind != '{' {
		return
	}
	p.complete(n)
	compiled, err := compileStatement(s, p.doc.Version() == Version2012)
	if err != nil {
		p.faults.add(n, err.Error())
	}
	p.doc.statements = append(p.doc.statements, s)
	p.doc.compiled = append(p.doc.compiled, compiled)
}

func (p *parser) element(s *Statement, name string, value node) {
	switch name {
	case "Sid":
		s.Sid = p.sid(value)
	case "Effect":
		s.Effect = p.effect(value)
	case "Action":
		s.Actions = value.strs(&p.faults)
	case "NotAction":
		s.NotActions = p.notEmpty(value)
	case "Resource":
		s.Resources = value.strs(&p.faults)
	case "NotResource":
		s.NotResources = p.notEmpty(value)
	case "Principal":
		s.Principal = p.principals(value)
	case "NotPrincipal":
		s.NotPrincipal = p.principals(value)
	case "Condition":
		s.Conditions = p.conditions(value)
	default:
		p.faults.add(value, "isn't an element of a statement")
	}
}

func (p *parser) sid(n node) string {
	sid := n.str(&p.faults)
	if sid != "" && p.sids[sid] {
		p.faults.add(n, "is another statement's too")
	}
	p.sids[sid] = true
	return sid
}

func (p *parser) effect(n node) Effect {
	effect := Effect(n.str(&p.faults))
	if n.kind == '"' && effect != Allow && effect != Deny {
		p.faults.add(n, "must be Allow or Deny")
	}
	return effect
}

// notEmpty parses the list of a NotAction or NotResource. An empty one would match everything.
func (p *parser) notEmpty(n node) []string {
	list := n.strs(&p.faults)
	if len(list) == 0 {
		p.faults.add(n, "must not be empty")
	}
	return list
}

// complete reports what the statement n lacks, and elements that exclude each other.
func (p *parser) complete(n node) {
	if !n.has("Effect") {
		p.faults.add(n, "has no Effect")
	}
	hasPrincipal := n.has("Principal") || n.has("NotPrincipal")
	p.oneOf(n, "Action", "NotAction", true)
	p.oneOf(n, "Resource", "NotResource", !hasPrincipal)
	p.oneOf(n, "Principal", "NotPrincipal", false)
}

func (p *parser) oneOf(n node, name, not string, required bool) {
	switch has, hasNot := n.has(name), n.has(not); {
	case has && hasNot:
		p.faults.add(n, "has both "+name+" and "+not)
	case required && !has && !hasNot:
		p.faults.add(n, "has neither "+name+" nor "+not)
	}
}

func (p *parser) principals(n node) *Principals {
	if n.kind == '"' {
		if n.text != "*" {
			p.faults.add(n, `must be "*" or an object`)
		}
		return &Principals{Any: true}
	}
	out := &Principals{}
	n.eachMember(&p.faults, func(name string, value node) {
		switch name {
		case "AWS":
			out.AWS = value.strs(&p.faults)
		case "Service":
			out.Service = value.strs(&p.faults)
		case "Federated":
			out.Federated = value.strs(&p.faults)
		case "CanonicalUser":
			out.CanonicalUser = value.strs(&p.faults)
		default:
			p.faults.add(value, "isn't a type of principal")
		}
	})
	return out
}

func (p *parser) conditions(n node) []Condition {
	var out []Condition
	seen := make(map[string]bool)
	n.eachMember(&p.faults, func(name string, keys node) {
		if _, ok := parseOperator(name); !ok {
			p.faults.add(keys, "isn't a condition operator")
			return
		}
		if folded := strings.ToLower(name); seen[folded] {
			p.faults.add(keys, "is there twice, in different case")
		} else {
			seen[folded] = true
		}
		out = append(out, p.conditionKeys(name, keys)...)
	})
	return out
}

func (p *parser) conditionKeys(operator string, n node) []Condition {
	var out []Condition
	seen := make(map[string]bool)
	n.eachMember(&p.faults, func(key string, values node) {
		if folded := strings.ToLower(key); seen[folded] {
			p.faults.add(values, "is there twice, in different case")
		} else {
			seen[folded] = true
		}
		out = append(out, Condition{Operator: operator, Key: key, Values: values.scalars(&p.faults)})
	})
	return out
}
