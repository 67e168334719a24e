package policy

import "strings"

// arnParts is how many colon-separated parts an ARN has; the last one may hold colons itself.
const arnParts = 6

// compileResource compiles one string of a Resource or NotResource element into the patterns it stands for: itself, and, where
// it is an ARN of fewer than six parts, the one AWS completes it to with `*` for every missing part ("IAM identifiers").
// A variable before the fifth colon can't be used ("Variables and tags", Resource element): then there is none.
func compileResource(text string, variables bool) ([]pattern, error) {
	p, err := compilePattern(text, dialect{wildcards: true, variables: variables})
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(text, "arn:") {
		return []pattern{p}, nil
	}
	colons := 0
	for _, t := range p.tokens {
		if t.kind == variable && colons < arnParts-1 {
			return nil, nil
		}
		if t.kind == literal {
			colons += strings.Count(t.text, ":")
		}
	}
	if colons >= arnParts-1 {
		return []pattern{p}, nil
	}
	completed, err := compilePattern(text+strings.Repeat(":*", arnParts-1-colons), dialect{wildcards: true, variables: variables})
	return []pattern{p, completed}, err
}

// arnPattern is the operand of an ARN condition operator. Each of the six parts is matched on its own: a wildcard never reaches
// across one of the first five colons. Alone, `*` matches every ARN.
type arnPattern struct {
	whole pattern
	parts []pattern // of whole, if it has no variables: a variable's value may hold colons
}

func newARNPattern(text string, variables bool) (operand, error) {
	whole, err := compilePattern(text, dialect{wildcards: true, variables: variables})
	if err != nil {
		return nil, err
	}
	a := &arnPattern{whole: whole}
	if !whole.variables {
		a.parts = splitColons(whole.tokens)
	}
	return a, nil
}

func (a *arnPattern) matches(value string, q *query) bool {
	parts := a.parts
	if a.whole.variables {
		tokens, ok := a.whole.resolve(nil, q)
		if !ok {
			return false
		}
		parts = splitColons(tokens)
	}
	if len(parts) == 1 && len(parts[0].tokens) == 1 && parts[0].tokens[0].kind == anyChars {
		return strings.HasPrefix(value, "arn:") && strings.Count(value, ":") >= arnParts-1
	}
	if len(parts) != arnParts {
		return false
	}
	for i := range parts {
		part, rest, found := strings.Cut(value, ":")
		if i == arnParts-1 {
			part = value
		} else if !found {
			return false
		}
		if !parts[i].match(part, q) {
			return false
		}
		value = rest
	}
	return true
}

// splitColons cuts tokens, which hold no variables, at the first five colons.
func splitColons(tokens []token) []pattern {
	parts := make([]pattern, 1, arnParts)
	add := func(t token) {
		if t.kind != literal || t.text != "" {
			last := &parts[len(parts)-1]
			last.tokens = append(last.tokens, t)
		}
	}
	for _, t := range tokens {
		for t.kind == literal && len(parts) < arnParts {
			before, after, found := strings.Cut(t.text, ":")
			if !found {
				break
			}
			add(token{kind: literal, text: before})
			parts = append(parts, pattern{})
			t.text = after
		}
		add(t)
	}
	return parts
}

// arn is an ARN taken apart, as far as principals need it.
type arn struct {
	service, account, resource string
}

// parseARN returns ok false, and nothing else, for what doesn't have an ARN's six parts.
func parseARN(s string) (a arn, ok bool) {
	prefix, rest, _ := strings.Cut(s, ":")
	_, rest, _ = strings.Cut(rest, ":")
	service, rest, _ := strings.Cut(rest, ":")
	_, rest, _ = strings.Cut(rest, ":")
	account, resource, found := strings.Cut(rest, ":")
	if !found || prefix != "arn" {
		return arn{}, false
	}
	return arn{service, account, resource}, true
}
