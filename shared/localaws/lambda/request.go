package lambda

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// request is a call as Lambda understands it.
type request struct {
	name   string
	target target // of operations on a function

	statement string // of RemovePermission

	query  url.Values
	access protocol.Access
	serve  func(*Service, http.ResponseWriter, *protocol.Call, *request) error
}

// apiVersion stands before the paths of all operations that there are.
const apiVersion = "/2015-03-31/functions"

// parse finds the operation of a call and what it is about.
func parse(c *protocol.Call) (*request, error) {
	r := &request{query: c.Request.URL.Query()}
	path, is := strings.CutPrefix(c.Request.URL.EscapedPath(), apiVersion)
	if !is {
		return nil, notImplemented()
	}
	encoded, rest, _ := strings.Cut(strings.Trim(path, "/"), "/")
	name, err := url.PathUnescape(encoded)
	if err != nil {
		return nil, notImplemented()
	}
	if name == "" {
		return r, r.onAccount(c)
	}
	return r, r.onFunction(c, name, rest)
}

func (r *request) onAccount(c *protocol.Call) error {
	if c.Request.Method != http.MethodGet {
		return notImplemented()
	}
	r.name, r.serve = "ListFunctions", (*Service).listFunctions
	r.access = protocol.Access{Action: "lambda:ListFunctions", Resource: "*"}
	return nil
}

func (r *request) onFunction(c *protocol.Call, name, rest string) error {
	var action string
	if id, named := strings.CutPrefix(rest, "policy/"); named {
		r.statement, rest = id, "policy/"
	}
	switch c.Request.Method + " " + rest {
	case "POST invocations":
		r.name, action, r.serve = "Invoke", "lambda:InvokeFunction", (*Service).invoke
	case "GET ":
		r.name, action, r.serve = "GetFunction", "lambda:GetFunction", (*Service).getFunction
	case "GET configuration":
		r.name, action, r.serve = "GetFunctionConfiguration", "lambda:GetFunctionConfiguration", (*Service).getConfiguration
	case "GET policy":
		r.name, action, r.serve = "GetPolicy", "lambda:GetPolicy", (*Service).getPolicy
	case "POST policy":
		r.name, action, r.serve = "AddPermission", "lambda:AddPermission", (*Service).addPermission
	case "DELETE policy/":
		r.name, action, r.serve = "RemovePermission", "lambda:RemovePermission", (*Service).removePermission
	default:
		return notImplemented()
	}
	var err error
	if r.target, err = parseTarget(c, name, r.query); err != nil {
		return err
	}
	r.access = protocol.Access{Action: action, Resource: r.target.arn(), ResourceAccount: r.target.account}
	return nil
}

// target is the function that a request names.
type target struct {
	account, region, name string
	qualifier             string // empty: none was named
}

// arn is the function's ARN, with the qualifier if one was named: policies tell the two apart (traps.md 48).
func (t target) arn() string {
	arn := "arn:" + partition(t.region) + ":lambda:" + t.region + ":" + t.account + ":function:" + t.name
	if t.qualifier != "" {
		arn += ":" + t.qualifier
	}
	return arn
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// How Lambda wants names and qualifiers, and says so in its errors.
const (
	namePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?` +
		`(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`
	qualifierPattern = `\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`
)

var (
	functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

	// nameParts is namePattern with the parts that count: region, account, name, qualifier.
	nameParts = regexp.MustCompile(`^(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?` +
		`(?:((?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(\d{12}):)?(?:function:)?` +
		`([a-zA-Z0-9_.-]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?$`)
	wholeQualifier = regexp.MustCompile(`^(?:` + `\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_$-]+` + `)$`)
)

// parseTarget reads a name, a partial ARN or an ARN, and the qualifier that stands in it or beside it.
func parseTarget(c *protocol.Call, name string, query url.Values) (target, error) {
	qualifier := query.Get("Qualifier")
	m := nameParts.FindStringSubmatch(name)
	var faults []string
	switch {
	case len(qualifier) > 128:
		faults = append(faults, violation(qualifier, "qualifier", "Member must have length less than or equal to 128"))
	case qualifier != "" && !wholeQualifier.MatchString(qualifier):
		faults = append(faults, violation(qualifier, "qualifier", "Member must satisfy regular expression pattern: "+qualifierPattern))
	}
	switch {
	case m == nil:
		faults = append(faults, violation(name, "functionName", "Member must satisfy regular expression pattern: "+namePattern))
	case len(name) > 170:
		faults = append(faults, violation(name, "functionName", "Member must have length less than or equal to 170"))
	}
	if len(faults) > 0 {
		return target{}, validation(faults...)
	}
	region := cmp.Or(m[1], c.Region)
	if region != c.Region {
		return target{}, notFound("Functions from '%s' are not reachable in this region ('%s')", region, c.Region)
	}
	if qualifier != "" && m[4] != "" && qualifier != m[4] {
		return target{}, invalidParameter("The derived qualifier from the function name does not match the specified qualifier.")
	}
	return target{account: cmp.Or(m[2], c.Account()), region: region, name: m[3], qualifier: cmp.Or(qualifier, m[4])}, nil
}
