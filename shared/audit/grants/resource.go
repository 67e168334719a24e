package grants

import "strings"

// arn is a pattern of resources, taken apart as far as it is literal.
type arn struct {
	every   bool   // matches everything: `*`
	service string // "" if it isn't literal
	region  string
	rest    string // behind the fifth colon; wildcards as they are, literal ones too
	open    bool   // rest can't be told, because wildcards come before it
}

func parseARN(g glob) arn {
	if g.everything() {
		return arn{every: true}
	}
	var b strings.Builder
	for _, s := range g {
		switch s.kind {
		case anyCount:
			b.WriteByte('*')
		case anyOne:
			b.WriteByte('?')
		case plain:
			b.WriteRune(s.r)
		}
	}
	parts := strings.SplitN(b.String(), ":", 6)
	if len(parts) < 6 {
		return arn{open: true}
	}
	a := arn{service: parts[2], region: parts[3], rest: parts[5]}
	if strings.ContainsAny(a.service, "*?") {
		a.service = ""
	}
	return a
}

// takes reports whether the action can be about some resource of the pattern. In doubt it can.
func (a arn) takes(act action) bool {
	if a.every || a.open {
		return true
	}
	if act.kind == 'a' {
		return false
	}
	of := act.service
	if of == "sts" { // its resources are roles, and its own sessions
		return a.service == "" || a.service == "iam" || a.service == "sts"
	}
	if a.service != "" && a.service != of {
		return false
	}
	if act.kind == '-' {
		return true
	}
	switch of {
	case "dynamodb":
		return a.takesDynamoDB(act.kind)
	case "s3":
		return a.takesS3(act.kind)
	case "lambda":
		return a.takesLambda(act.kind)
	}
	return true
}

// takesDynamoDB goes by the form of ARNs: table/<name>, and below it index, stream, backup, export, import.
func (a arn) takesDynamoDB(kind byte) bool {
	if !strings.HasPrefix(a.rest, "table/") {
		return strings.HasPrefix(a.rest, "global-table/") == (kind == 'g') || strings.HasPrefix(a.rest, "*")
	}
	below := map[byte]string{'i': "/index/", 's': "/stream/", 'b': "/backup/", 'e': "/export/", 'm': "/import/"}
	for other, part := range below {
		if strings.Contains(a.rest, part) {
			return kind == other
		}
	}
	if kind == 't' || kind == 'i' {
		return true
	}
	return kind != 'g' && strings.HasSuffix(a.rest, "*")
}

// takesS3 goes by the slash that only objects have.
func (a arn) takesS3(kind byte) bool {
	if a.region != "" && kind != 'x' && a.region != "*" {
		return kind == 'o' && strings.Contains(a.rest, "/object/")
	}
	bucket, _, isObject := strings.Cut(a.rest, "/")
	switch kind {
	case 'b':
		return !isObject
	case 'o':
		return isObject || strings.ContainsAny(bucket, "*")
	}
	return a.region != ""
}

func (a arn) takesLambda(kind byte) bool {
	switch {
	case strings.HasPrefix(a.rest, "function:"):
		return kind == 'f'
	case strings.HasPrefix(a.rest, "layer:"):
		return kind == 'l'
	case strings.HasPrefix(a.rest, "*"):
		return true
	}
	return kind == 'o'
}
