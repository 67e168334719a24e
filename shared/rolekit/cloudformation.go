package rolekit

import (
	"encoding/json"
	"strings"
)

const cloudFormationHead = `# Creates the IAM role that Arngate assumes. Save it as arngate-role.yaml, and then:
#   aws cloudformation deploy --template-file arngate-role.yaml --stack-name arngate-role --capabilities CAPABILITY_NAMED_IAM
`

const bucketsNote = "Suggested rules of existing buckets, which a template can't change: for aws s3api put-bucket-cors and " +
	"put-bucket-lifecycle-configuration. Both replace the rules a bucket has."

// CloudFormation is the kit as a template in YAML. It returns [ErrDynamicReference] where a name would be taken for a reference
// to a parameter or secret of the account: there is no way to write such text in a template.
// (AWS CloudFormation User Guide, "Get values stored in other services using dynamic references")
func (k *Kit) CloudFormation() (string, error) {
	properties := object{
		{"RoleName", k.options.RoleName},
		{"Path", k.options.RolePath},
		{"AssumeRolePolicyDocument", json.RawMessage(k.trust)},
	}
	if k.permissions != "" {
		properties = append(properties, member{"Policies", []any{object{
			{"PolicyName", PolicyName},
			{"PolicyDocument", json.RawMessage(k.permissions)},
		}}})
	}
	template := object{
		{"AWSTemplateFormatVersion", "2010-09-09"},
		{"Description", "The IAM role that Arngate assumes."},
	}
	if len(k.buckets) > 0 {
		template = append(template, member{"Metadata", object{{"ArngateBuckets", object{
			{"Note", bucketsNote},
			{"Buckets", json.RawMessage(compact(k.buckets))},
		}}}})
	}
	text, err := yaml(append(template,
		member{"Resources", object{{"ArngateRole", object{{"Type", "AWS::IAM::Role"}, {"Properties", properties}}}}},
		member{"Outputs", object{{"RoleArn", object{
			{"Description", "To be entered as role_arn."},
			{"Value", object{{"Fn::GetAtt", []any{"ArngateRole", "Arn"}}}},
		}}}},
	))
	if err != nil {
		return "", err
	}
	if strings.Contains(text, "{{resolve:") {
		return "", ErrDynamicReference
	}
	return cloudFormationHead + text, nil
}
