package policy

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// pattern is a string of a policy, ready to be matched: `*` stands for any characters, also none, `?` for exactly one, and
// `${...}` for the value of a variable, in which `*` and `?` are plain characters. (IAM User Guide, "IAM policy elements:
// Variables and tags"; traps.md 50)
type pattern struct {
	tokens    []token
	variables bool // some token is one
	fold      bool // ASCII letters match in either case
}

type tokenKind uint8

const (
	literal  tokenKind = iota // text, as it is
	anyChars                  // *
	oneChar                   // ?
	variable                  // the value of the key text
)

type token struct {
	kind       tokenKind
	text       string
	fallback   string // of a variable: its default value
	hasDefault bool
}

// dialect says what is special in a string of a policy.
type dialect struct {
	wildcards bool
	variables bool
	fold      bool
}

var (
	errVariableOpen  = errors.New("has a variable without its closing brace or quote")
	errVariableEmpty = errors.New("has a variable without a name")
)

// compilePattern compiles text. It returns an error only for malformed variables.
func compilePattern(text string, d dialect) (pattern, error) {
	p := pattern{fold: d.fold}
	start := 0
	flush := func(end int) {
		if end > start {
			p.addLiteral(text[start:end])
		}
	}
	for i := 0; i < len(text); {
		switch {
		case d.wildcards && (text[i] == '*' || text[i] == '?'):
			flush(i)
			p.addWildcard(text[i])
			i++
			start = i
		case d.variables && strings.HasPrefix(text[i:], "${"):
			flush(i)
			length, err := p.addVariable(text[i+2:])
			if err != nil {
				return pattern{}, err
			}
			i += 2 + length
			start = i
		default:
			i++
		}
	}
	flush(len(text))
	return p, nil
}

func (p *pattern) addLiteral(text string) {
	if n := len(p.tokens); n > 0 && p.tokens[n-1].kind == literal {
		p.tokens[n-1].text += text
		return
	}
	p.tokens = append(p.tokens, token{kind: literal, text: text})
}

func (p *pattern) addWildcard(c byte) {
	kind := oneChar
	if c == '*' {
		kind = anyChars
	}
	if n := len(p.tokens); kind == anyChars && n > 0 && p.tokens[n-1].kind == anyChars {
		return
	}
	p.tokens = append(p.tokens, token{kind: kind})
}

// addVariable adds the variable whose text begins right behind its `${`, and returns how much of rest it took.
func (p *pattern) addVariable(rest string) (int, error) {
	if len(rest) >= 2 && rest[1] == '}' && strings.IndexByte("*?$", rest[0]) >= 0 {
		p.addLiteral(rest[:1])
		return 2, nil
	}
	end := strings.IndexAny(rest, ",}")
	if end < 0 {
		return 0, errVariableOpen
	}
	t := token{kind: variable, text: strings.TrimSpace(rest[:end])}
	if t.text == "" {
		return 0, errVariableEmpty
	}
	length := end + 1
	if rest[end] == ',' {
		fallback, n, err := readDefault(rest[end+1:])
		if err != nil {
			return 0, err
		}
		t.fallback, t.hasDefault = fallback, true
		length += n
	}
	p.tokens = append(p.tokens, t)
	p.variables = true
	return length, nil
}

// readDefault reads `'text'}`, spaces around the quotes allowed, and returns text and the length of it all.
func readDefault(rest string) (string, int, error) {
	trimmed := strings.TrimLeft(rest, " ")
	if !strings.HasPrefix(trimmed, "'") {
		return "", 0, errVariableOpen
	}
	text, after, ok := strings.Cut(trimmed[1:], "'")
	if !ok {
		return "", 0, errVariableOpen
	}
	closing := strings.TrimLeft(after, " ")
	if !strings.HasPrefix(closing, "}") {
		return "", 0, errVariableOpen
	}
	return text, len(rest) - len(closing) + 1, nil
}

// match reports whether all of s matches p. Variables take their values from q, which notes the ones that are missing; a
// pattern with a missing variable matches nothing.
func (p *pattern) match(s string, q *query) bool {
	tokens := p.tokens
	if p.variables {
		var buffer [16]token
		resolved, ok := p.resolve(buffer[:0], q)
		if !ok {
			return false
		}
		tokens = resolved
	}
	switch {
	case len(tokens) == 1 && tokens[0].kind == anyChars:
		return true
	case len(tokens) == 1 && tokens[0].kind == literal:
		return len(s) == len(tokens[0].text) && p.hasPrefix(s, tokens[0].text)
	}
	return p.matchTokens(tokens, s)
}

// resolve appends p's tokens to buffer with every variable replaced by its value.
func (p *pattern) resolve(buffer []token, q *query) ([]token, bool) {
	for _, t := range p.tokens {
		if t.kind == variable {
			value, ok := q.variable(t)
			if !ok {
				return nil, false
			}
			t = token{kind: literal, text: value}
		}
		buffer = append(buffer, t)
	}
	return buffer, true
}

// matchTokens is the greedy match with one point to go back to: behind the last `*`. It takes time len(tokens) * len(s) at
// worst.
func (p *pattern) matchTokens(tokens []token, s string) bool {
	i, pos := 0, 0
	star, starPos := -1, 0
	for i < len(tokens) || pos < len(s) {
		if i < len(tokens) && tokens[i].kind == anyChars {
			i++
			star, starPos = i, pos
			if i == len(tokens) {
				return true
			}
			continue
		}
		if i < len(tokens) {
			if n, ok := p.matchToken(tokens[i], s[pos:]); ok {
				i++
				pos += n
				continue
			}
		}
		if star < 0 || starPos == len(s) {
			return false
		}
		_, size := utf8.DecodeRuneInString(s[starPos:])
		starPos += size
		i, pos = star, starPos
	}
	return true
}

// matchToken reports whether s begins with what t, no `*`, stands for, and how long that is.
func (p *pattern) matchToken(t token, s string) (int, bool) {
	if t.kind == oneChar {
		_, size := utf8.DecodeRuneInString(s)
		return size, size > 0
	}
	return len(t.text), p.hasPrefix(s, t.text)
}

func (p *pattern) hasPrefix(s, prefix string) bool {
	if !p.fold {
		return strings.HasPrefix(s, prefix)
	}
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if lower(s[i]) != lower(prefix[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// equalFold reports whether s, letters in either case (Unicode), is exactly p, which has no wildcards.
func (p *pattern) equalFold(s string, q *query) bool {
	tokens, ok := p.resolve(nil, q)
	if !ok {
		return false
	}
	var whole strings.Builder
	for _, t := range tokens {
		whole.WriteString(t.text)
	}
	return strings.EqualFold(s, whole.String())
}

// Escape returns literal as a policy of version 2012-10-17 must write it so that it stands for itself in a Resource element or
// a string condition: `*`, `?` and `$` become `${*}`, `${?}` and `${$}`.
func Escape(literal string) string {
	if !strings.ContainsAny(literal, "*?$") {
		return literal
	}
	return escaper().Replace(literal)
}

func escaper() *strings.Replacer {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")
}

// matchAny reports whether s matches one of the patterns.
func matchAny(patterns []pattern, s string, q *query) bool {
	for i := range patterns {
		if patterns[i].match(s, q) {
			return true
		}
	}
	return false
}
