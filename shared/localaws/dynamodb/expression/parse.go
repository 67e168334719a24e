package expression

import "strings"

// parser is a recursive descent over the tokens of one expression. The only ambiguity of the grammar, whether a parenthesis holds
// a condition or an operand, is solved by trying both; the token that stopped the attempt which got furthest is the error.
type parser struct {
	kind     Kind
	text     string
	tokens   []token
	at       int
	furthest int
}

func newParser(kind Kind, text string) (*parser, error) {
	switch {
	case text == "":
		return nil, kind.fault("The expression can not be empty;")
	case len(text) > maxLength:
		return nil, kind.fault("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	return &parser{kind: kind, text: text, tokens: tokenize(text)}, nil
}

func (p *parser) peek() token {
	p.furthest = max(p.furthest, p.at)
	return p.tokens[p.at]
}

func (p *parser) next() token {
	t := p.peek()
	if t.kind != endOfText {
		p.at++
	}
	return t
}

// accept takes the next token if it is the given keyword or punctuation.
func (p *parser) accept(what string) bool {
	if !p.peek().is(what) {
		return false
	}
	p.at++
	return true
}

// expect takes the given keyword or punctuation; anything else is a syntax error.
func (p *parser) expect(what string) error {
	if !p.accept(what) {
		return p.syntaxError()
	}
	return nil
}

// finish checks that nothing follows.
func (p *parser) finish() error {
	if p.peek().kind != endOfText {
		return p.syntaxError()
	}
	return nil
}

// syntaxError names the token that no rule could take, and shows it between its neighbours.
func (p *parser) syntaxError() *Error {
	bad := p.tokens[p.furthest]
	from, to := 0, len(p.text)
	if p.furthest > 0 {
		from = p.tokens[p.furthest-1].start
	}
	if p.furthest+1 < len(p.tokens)-1 {
		to = p.tokens[p.furthest+1].end
	}
	return p.kind.fault(`Syntax error; token: "%s", near: "%s"`, bad.text, p.text[from:to])
}

// The syntax tree.
type (
	node any

	pathNode struct{ steps []stepNode }

	stepNode struct {
		text  string // the name, its placeholder, or the index
		index bool
	}

	valueNode struct{ placeholder string }

	functionNode struct {
		name      string
		arguments []node
	}

	parenthesisNode struct{ inner node }

	// operationNode is a comparison, BETWEEN, IN, + or - over operands.
	operationNode struct {
		operator string
		operands []node
	}

	// logicNode is AND, OR or NOT over conditions.
	logicNode struct {
		operator   string
		conditions []node
	}
)

// path reads a document path: a.b[0].#c.
func (p *parser) path() (node, error) {
	if k := p.peek().kind; k != word && k != nameToken {
		return nil, p.syntaxError()
	}
	path := pathNode{steps: []stepNode{{text: p.next().text}}}
	for {
		switch {
		case p.accept("."):
			if k := p.peek().kind; k != word && k != nameToken {
				return nil, p.syntaxError()
			}
			path.steps = append(path.steps, stepNode{text: p.next().text})
		case p.accept("["):
			if p.peek().kind != indexToken {
				return nil, p.syntaxError()
			}
			path.steps = append(path.steps, stepNode{text: p.next().text, index: true})
			if err := p.expect("]"); err != nil {
				return nil, err
			}
		default:
			return path, nil
		}
	}
}

// operand reads a path, a value, a function call, or one of those in parentheses.
func (p *parser) operand() (node, error) {
	switch t := p.peek(); {
	case t.is("("):
		p.at++
		inner, err := p.operand()
		if err != nil {
			return nil, err
		}
		return parenthesisNode{inner}, p.expect(")")
	case t.kind == valueToken:
		p.at++
		return valueNode{t.text}, nil
	case t.kind == word && p.tokens[p.at+1].is("("):
		return p.function()
	}
	return p.path()
}

func (p *parser) function() (node, error) {
	f := functionNode{name: p.next().text}
	p.at++ // the parenthesis, which made this a function
	for {
		argument, err := p.operand()
		if err != nil {
			return nil, err
		}
		f.arguments = append(f.arguments, argument)
		if !p.accept(",") {
			return f, p.expect(")")
		}
	}
}

// or reads conditions joined by OR, which binds less than AND, which binds less than NOT.
func (p *parser) or() (node, error)  { return p.joined("OR", p.and) }
func (p *parser) and() (node, error) { return p.joined("AND", p.not) }

func (p *parser) joined(operator string, part func() (node, error)) (node, error) {
	left, err := part()
	if err != nil {
		return nil, err
	}
	for p.accept(operator) {
		right, err := part()
		if err != nil {
			return nil, err
		}
		left = logicNode{operator, []node{left, right}}
	}
	return left, nil
}

func (p *parser) not() (node, error) {
	if !p.accept("NOT") {
		return p.comparison()
	}
	inner, err := p.not()
	return logicNode{"NOT", []node{inner}}, err
}

// comparison reads a condition without AND, OR and NOT. If it begins with a parenthesis, that is read as a condition first.
func (p *parser) comparison() (node, error) {
	if start := p.at; p.accept("(") {
		inner, err := p.or()
		if err == nil && p.accept(")") {
			if !p.comparatorFollows() {
				return parenthesisNode{inner}, nil
			}
		}
		p.at = start
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	return p.compared(left)
}

// comparatorFollows reports whether what was read must have been an operand, not a condition.
func (p *parser) comparatorFollows() bool {
	t := p.peek()
	return isComparator(t) || t.is("BETWEEN") || t.is("IN")
}

func isComparator(t token) bool {
	switch t.text {
	case "=", "<>", "<", "<=", ">", ">=":
		return t.kind == operatorToken
	}
	return false
}

func (p *parser) compared(left node) (node, error) {
	switch t := p.peek(); {
	case isComparator(t):
		p.at++
		right, err := p.operand()
		return operationNode{t.text, []node{left, right}}, err
	case t.is("BETWEEN"):
		p.at++
		return p.between(left)
	case t.is("IN"):
		p.at++
		return p.in(left)
	}
	if f, ok := left.(functionNode); ok {
		return f, nil
	}
	return nil, p.syntaxError()
}

func (p *parser) between(left node) (node, error) {
	low, err := p.operand()
	if err != nil {
		return nil, err
	}
	if err := p.expect("AND"); err != nil {
		return nil, err
	}
	high, err := p.operand()
	return operationNode{"BETWEEN", []node{left, low, high}}, err
}

func (p *parser) in(left node) (node, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	operands := []node{left}
	for {
		operand, err := p.operand()
		if err != nil {
			return nil, err
		}
		operands = append(operands, operand)
		if !p.accept(",") {
			return operationNode{"IN", operands}, p.expect(")")
		}
	}
}

// The parts of an update expression.
type (
	section struct {
		name    string // SET, REMOVE, ADD or DELETE
		actions []action
	}
	action struct {
		path    node
		operand node // nil for REMOVE
	}
)

func (p *parser) sections() ([]section, error) {
	var sections []section
	for {
		t := p.peek()
		if !t.is("SET") && !t.is("REMOVE") && !t.is("ADD") && !t.is("DELETE") {
			return nil, p.syntaxError()
		}
		p.at++
		s := section{name: strings.ToUpper(t.text)}
		for {
			a, err := p.action(s.name)
			if err != nil {
				return nil, err
			}
			s.actions = append(s.actions, a)
			if !p.accept(",") {
				break
			}
		}
		sections = append(sections, s)
		if p.peek().kind == endOfText {
			return sections, nil
		}
	}
}

func (p *parser) action(section string) (action, error) {
	path, err := p.path()
	if err != nil {
		return action{}, err
	}
	a := action{path: path}
	switch section {
	case "SET":
		if err := p.expect("="); err != nil {
			return action{}, err
		}
		a.operand, err = p.sum()
	case "ADD", "DELETE":
		t := p.peek()
		if t.kind != valueToken {
			return action{}, p.syntaxError()
		}
		p.at++
		a.operand = valueNode{t.text}
	}
	return a, err
}

// sum reads what SET assigns: an operand, or two joined by + or -, and parentheses around either.
func (p *parser) sum() (node, error) {
	if start := p.at; p.accept("(") {
		inner, err := p.sum()
		if err == nil && p.accept(")") && !p.peek().is("+") && !p.peek().is("-") {
			return parenthesisNode{inner}, nil
		}
		p.at = start
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	t := p.peek()
	if !t.is("+") && !t.is("-") {
		return left, nil
	}
	p.at++
	right, err := p.operand()
	return operationNode{t.text, []node{left, right}}, err
}
