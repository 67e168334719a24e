package rolekit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// policyEnd closes a policy's heredoc. No line of JSON is this word.
const policyEnd = "POLICY"

// Terraform is the kit as a configuration for Terraform or OpenTofu and the provider hashicorp/aws.
//
// Policies are heredocs of JSON in ASCII rather than expressions: every string of the language is normalised to Unicode's NFC,
// which would make another name of a key. (Terraform language, "Strings and Templates")
func (k *Kit) Terraform() string {
	file := hclwrite.NewEmptyFile()
	body := file.Body()
	comment(body, "The IAM role that Arngate assumes.")
	role := resource(body, "aws_iam_role", "arngate")
	role.SetAttributeValue("name", cty.StringVal(k.options.RoleName))
	role.SetAttributeValue("path", cty.StringVal(k.options.RolePath))
	role.SetAttributeRaw("assume_role_policy", heredoc(k.trust))
	if k.permissions != "" {
		body.AppendNewline()
		inline := resource(body, "aws_iam_role_policy", "arngate")
		inline.SetAttributeValue("name", cty.StringVal(PolicyName))
		inline.SetAttributeTraversal("role", traversal("aws_iam_role", "arngate", "name"))
		inline.SetAttributeRaw("policy", heredoc(k.permissions))
	}
	k.terraformCORS(body)
	k.terraformLifecycle(body)
	body.AppendNewline()
	output := body.AppendNewBlock("output", []string{"role_arn"}).Body()
	output.SetAttributeValue("description", cty.StringVal("To be entered as role_arn."))
	output.SetAttributeTraversal("value", traversal("aws_iam_role", "arngate", "arn"))
	return string(hclwrite.Format(file.Bytes()))
}

// terraformCORS adds the buckets' CORS rules, which replace those there are, and so wait for a variable.
func (k *Kit) terraformCORS(body *hclwrite.Body) {
	if !k.hasCORS() {
		return
	}
	body.AppendNewline()
	variable := body.AppendNewBlock("variable", []string{"bucket_cors"}).Body()
	variable.SetAttributeValue("description", cty.StringVal("Set the buckets' CORS rules, in place of any there are."))
	variable.SetAttributeTraversal("type", traversal("bool"))
	variable.SetAttributeValue("default", cty.False)
	for i, b := range k.buckets {
		if b.CORS == nil {
			continue
		}
		body.AppendNewline()
		rules := resource(body, "aws_s3_bucket_cors_configuration", "bucket_"+strconv.Itoa(i+1))
		rules.SetAttributeRaw("count", hclwrite.TokensForIdentifier("var.bucket_cors ? 1 : 0"))
		rules.SetAttributeValue("bucket", cty.StringVal(b.Name))
		for _, r := range b.CORS.Rules {
			rules.AppendNewline()
			rule := rules.AppendNewBlock("cors_rule", nil).Body()
			rule.SetAttributeValue("id", cty.StringVal(r.ID))
			rule.SetAttributeValue("allowed_origins", list(r.AllowedOrigins))
			rule.SetAttributeValue("allowed_methods", list(r.AllowedMethods))
			rule.SetAttributeValue("allowed_headers", list(r.AllowedHeaders))
			rule.SetAttributeValue("expose_headers", list(r.ExposeHeaders))
			rule.SetAttributeValue("max_age_seconds", cty.NumberIntVal(int64(r.MaxAgeSeconds)))
		}
	}
}

func (k *Kit) terraformLifecycle(body *hclwrite.Body) {
	headed := false
	for _, b := range k.buckets {
		if b.Lifecycle == nil {
			continue
		}
		if !headed {
			body.AppendNewline()
			comment(body, "Suggested for buckets that have no lifecycle rules of their own: an end for the parts of uploads that nobody completed.")
			headed = true
		}
		comment(body, fmt.Sprintf("%s: %s", b.Name, asciiJSON(compact(b.Lifecycle))))
	}
}

func resource(body *hclwrite.Body, kind, name string) *hclwrite.Body {
	return body.AppendNewBlock("resource", []string{kind, name}).Body()
}

func traversal(root string, names ...string) hcl.Traversal {
	out := hcl.Traversal{hcl.TraverseRoot{Name: root}}
	for _, name := range names {
		out = append(out, hcl.TraverseAttr{Name: name})
	}
	return out
}

func list(values []string) cty.Value {
	out := make([]cty.Value, len(values))
	for i, v := range values {
		out[i] = cty.StringVal(v)
	}
	return cty.TupleVal(out)
}

// comment writes text, which is one line of ASCII.
func comment(body *hclwrite.Body, text string) {
	body.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte("# " + text + "\n")}})
}

// heredoc writes JSON. What would begin a template sequence is escaped in the JSON itself, where $ and % are only ever in
// strings: `$${`, the language's own escape, says something else after another $.
func heredoc(text string) hclwrite.Tokens {
	text = strings.NewReplacer("${", `\u0024{`, "%{", `\u0025{`).Replace(strings.TrimSuffix(text, "\n"))
	return hclwrite.Tokens{
		{Type: hclsyntax.TokenOHeredoc, Bytes: []byte("<<" + policyEnd + "\n")},
		{Type: hclsyntax.TokenStringLit, Bytes: []byte(text + "\n")},
		{Type: hclsyntax.TokenCHeredoc, Bytes: []byte(policyEnd)},
	}
}
