package demosite

import "strings"

// Step is one line of the walkthrough: a command for a POSIX shell with curl, and what its answer holds.
type Step struct {
	Title   string
	Command string
	Answer  string // a part of the answer by which one sees that the step worked
}

// Walkthrough returns the demo's steps in order. The commands use the variables ARNGATE (the API's address),
// ARNGATE_TOKEN (the builder), ARNGATE_ADMIN_TOKEN (the site's administrator), ARNGATE_AUDIT_TOKEN (its auditor) and ARNGATE_OTHER_TOKEN (a builder of OtherSite).
func Walkthrough() []Step {
	return []Step{
		{
			"the folders of a bucket",
			as("TOKEN", `"$ARNGATE/v1/s3/files/buckets/demo-files/objects?delimiter=/"`),
			`"reports/"`,
		},
		{
			"orders over 100 of one customer, two at a time",
			as("TOKEN", `$ARNGATE/v1/dynamodb/orders/tables/Orders/search -d '`+search+`}'`),
			`"next_cursor"`,
		},
		{
			"the page after it",
			`cursor=$(` + as("TOKEN", `$ARNGATE/v1/dynamodb/orders/tables/Orders/search -d '`+search+`}'`) + ` | sed -n 's/.*"next_cursor":"\([^"]*\)".*/\1/p'); ` +
				as("TOKEN", `$ARNGATE/v1/dynamodb/orders/tables/Orders/search -d '`+search+`,"cursor":"'$cursor'"}'`),
			`"o-016"`,
		},
		{
			"a function",
			as("TOKEN", `$ARNGATE/v1/lambda/actions/functions/hello/invocations -d '{"name":"Ada"}'`),
			"Hello, Ada!",
		},
		{
			"a provider of your own on the demo's role",
			as("ADMIN_TOKEN", `$ARNGATE/v1/providers -d '{"name":"mine","method":"assume_role","role_arn":"`+RoleARN+`"}'`),
			`"trust_policy"`,
		},
		{
			"verify it: may Arngate assume the role, and nobody else",
			as("ADMIN_TOKEN", `-X POST $ARNGATE/v1/providers/mine/verify`),
			`"ready"`,
		},
		{
			"a read-only connection through it",
			as("ADMIN_TOKEN", `$ARNGATE/v1/connections -d '{"name":"reports","connector":"s3","provider":"mine","region":"`+Region+
				`","read_only":true,"groups":["*"],"buckets":[{"name":"demo-files","prefix":"reports/"}]}'`),
			`"reports"`,
		},
		{
			"and its use",
			as("TOKEN", `"$ARNGATE/v1/s3/reports/buckets/demo-files/object?key=reports/2026/q1.csv"`),
			"January,41",
		},
		{
			"an audit of it: does the role grant what is needed, nothing more, and to nobody else",
			as("AUDIT_TOKEN", `"$ARNGATE/v1/audits?wait=true" -d '{"providers":["mine"]}'`),
			`"done"`,
		},
		{
			"what audits found that is critical",
			as("AUDIT_TOKEN", `"$ARNGATE/v1/findings?severity=critical"`),
			`"fingerprint"`,
		},
		{
			"denied by AWS: the answer names the missing action",
			as("TOKEN", `-X DELETE "$ARNGATE/v1/s3/archive/buckets/demo-archive/object?key=readme.txt"`),
			`"missing_action":"s3:DeleteObject"`,
		},
		{
			"the other site sees no such connection",
			as("OTHER_TOKEN", `$ARNGATE/v1/s3/files/buckets`),
			`"connection_not_found"`,
		},
	}
}

const search = `{"where":{"all":[{"field":"customer","op":"=","value":"north-harbour"},{"field":"total","op":">","value":100}]},"limit":2`

// as is a curl command with a token, and with the type of a body where there is one.
func as(token, arguments string) string {
	command := `curl -sH "Authorization: Bearer $ARNGATE_` + token + `" `
	if strings.Contains(arguments, " -d ") {
		command += `-H "Content-Type: application/json" `
	}
	return command + arguments
}
