package expression

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxLength bounds an expression's bytes ("Expression parameters", Amazon DynamoDB Developer Guide, Service quotas).
const maxLength = 4096

type tokenKind int

const (
	endOfText     tokenKind = iota
	word                    // a name, a function's or an attribute's
	keyword                 // a word of the grammar, in upper case
	nameToken               // #n
	valueToken              // :v
	indexToken              // digits
	operatorToken           // punctuation; also any character of no meaning
)

type token struct {
	kind       tokenKind
	text       string // as written
	start, end int
}

// is reports whether the token is the given keyword or punctuation.
func (t token) is(what string) bool {
	switch t.kind {
	case keyword:
		return strings.EqualFold(t.text, what)
	case operatorToken:
		return t.text == what
	case endOfText, word, nameToken, valueToken, indexToken:
	}
	return false
}

var (
	keywords = map[string]bool{
		"AND": true, "OR": true, "NOT": true, "BETWEEN": true, "IN": true,
		"SET": true, "REMOVE": true, "ADD": true, "DELETE": true,
	}
	tokenPattern = regexp.MustCompile(`^(?:([A-Za-z][A-Za-z0-9_]*)|(#[A-Za-z0-9_]+)|(:[A-Za-z0-9_]+)|(0|[1-9][0-9]*)|(<>|<=|>=|[-+=<>()\[\],.]))`)
	// groupKinds are what the groups of tokenPattern match.
	groupKinds = [...]tokenKind{word, nameToken, valueToken, indexToken, operatorToken}
)

// tokenize splits text. What is no token becomes one of a single character, which no rule of the grammar accepts.
func tokenize(text string) []token {
	var tokens []token
	for at := 0; at < len(text); {
		if strings.IndexByte(" \t\r\n", text[at]) >= 0 {
			at++
			continue
		}
		t := nextToken(text, at)
		tokens = append(tokens, t)
		at = t.end
	}
	return append(tokens, token{kind: endOfText, text: "<EOF>", start: len(text), end: len(text)})
}

func nextToken(text string, at int) token {
	match := tokenPattern.FindStringSubmatchIndex(text[at:])
	if match == nil {
		_, size := utf8.DecodeRuneInString(text[at:])
		return token{kind: operatorToken, text: text[at : at+size], start: at, end: at + size}
	}
	t := token{text: text[at : at+match[1]], start: at, end: at + match[1]}
	for group, kind := range groupKinds {
		if match[2*(group+1)] >= 0 {
			t.kind = kind
		}
	}
	if t.kind == word && keywords[strings.ToUpper(t.text)] {
		t.kind = keyword
	}
	return t
}
