package template

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var inputs = Inputs{
	Account: "111122223333", Region: "eu-central-1", StackName: "stack",
	Parameters: map[string]string{"Given": "from outside"},
}

const frame = `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Given: {Type: String}
  Default: {Type: String, Default: by default}
  Number: {Type: Number, Default: 7}
  Items: {Type: CommaDelimitedList, Default: "a, b,c"}
  Nothing: {Type: String, Default: ""}
Conditions:
  Yes: !Equals [!Ref Given, from outside]
  No: !Not [!Condition Yes]
  Both: !And [!Condition Yes, !Condition No]
  Either: !Or [!Condition No, {Condition: Yes}]
  Long: {"Fn::And": [{"Fn::Equals": [a, a]}, {"Fn::Or": [{Condition: No}, {Condition: Yes}]}]}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
  Absent:
    Type: AWS::Logs::LogGroup
    Condition: No
Outputs:
  Out:
    Value: `

func TestIntrinsics(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, value, want string }{
		{"ref of a given parameter", "!Ref Given", "from outside"},
		{"ref of a default", "!Ref Default", "by default"},
		{"ref of a number", "!Ref Number", "7"},
		{"long ref", "{Ref: Default}", "by default"},
		{"pseudo parameters", `!Sub "${AWS::AccountId} ${AWS::Region} ${AWS::Partition} ${AWS::StackName} ${AWS::URLSuffix}"`, "111122223333 eu-central-1 aws stack amazonaws.com"},
		{"ref of a resource", "!Ref Table", "stack-Table"},
		{"attribute", "!GetAtt Table.Arn", "arn:aws:dynamodb:eu-central-1:111122223333:table/stack-Table"},
		{"attribute as a list", "!GetAtt [Table, Arn]", "arn:aws:dynamodb:eu-central-1:111122223333:table/stack-Table"},
		{"long attribute", `{"Fn::GetAtt": [Table, Arn]}`, "arn:aws:dynamodb:eu-central-1:111122223333:table/stack-Table"},
		{"sub of an attribute", "!Sub ${Table.Arn}/index/*", "arn:aws:dynamodb:eu-central-1:111122223333:table/stack-Table/index/*"},
		{"sub of a literal", "!Sub ${!aws:username} ${Number}", "${aws:username} 7"},
		{"sub with names of its own", "!Sub ['${Given} ${Mine}', {Mine: !Ref Number}]", "from outside 7"},
		{"join", `!Join ["-", [a, !Ref Number, true]]`, "a-7-true"},
		{"join of a list parameter", `!Join ["|", !Ref Items]`, "a|b|c"},
		{"join of a split", `!Join ["|", !Split [",", "x,y"]]`, "x|y"},
		{"select", `!Select [1, !Split ["/", "role/name"]]`, "name"},
		{"select by a parameter's text", `!Select ["2", !Ref Items]`, "c"},
		{"if", "!If [Yes, yes, no]", "yes"},
		{"if not", "!If [No, yes, no]", "no"},
		{"and", "!If [Both, yes, no]", "no"},
		{"or", "!If [Either, yes, no]", "yes"},
		{"long conditions", "!If [Long, yes, no]", "yes"},
		{"the branch that doesn't count names nothing", "!If [Yes, yes, !Ref Absent]", "yes"},
		{"no value in a list", `!Join ["", [a, !If [No, b, !Ref AWS::NoValue]]]`, "a"},
		{"a date is text", "2012-10-17", "2012-10-17"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resolved, err := Parse([]byte(frame+test.value), inputs)
			if err != nil {
				t.Fatalf("Parse: %v", err)
			}
			if got := resolved.Outputs["Out"]; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestIntrinsicFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, value, want string }{
		{"unknown function", "!Base64 x", "resolve Fn::Base64: unknown intrinsic function"},
		{"unknown long function", `{"Fn::ImportValue": x}`, "unknown intrinsic function"},
		{"unknown name", "!Ref Elsewhere", "Elsewhere is no parameter, pseudo parameter or resource"},
		{"unknown pseudo parameter", "!Ref AWS::StackId", "AWS::StackId is no parameter"},
		{"unknown name in sub", "!Sub ${Elsewhere}", "Elsewhere is no parameter"},
		{"unknown attribute", "!GetAtt Table.StreamArn", "unknown attribute StreamArn of AWS::DynamoDB::Table"},
		{"attribute without a name", "!GetAtt Table", "want a resource and an attribute"},
		{"a resource that isn't created", "!Ref Absent", "its condition No is false"},
		{"a list where a string is wanted", "!Ref Items", "want a string"},
		{"index too high", `!Select [3, !Ref Items]`, "index 3 is outside a list of 3"},
		{"index below", `!Select [-1, !Ref Items]`, "outside a list"},
		{"select of a string", `!Select [0, !Ref Given]`, "want an index and a list"},
		{"join of a string", `!Join [",", !Ref Given]`, "want a list"},
		{"join without delimiter", `!Join [!Ref Items]`, "want a delimiter and a list"},
		{"split by nothing", `!Select [0, !Split ["", x]]`, "want a delimiter and a string"},
		{"unknown condition", "!If [Maybe, a, b]", "condition Maybe is not declared"},
		{"if with two parts", "!If [Yes, a]", "want a condition and two values"},
		{"an anchor", "&a x\n  Again:\n    Value: *a", "anchors and aliases"},
		{"a missing value", "", "a value is missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(frame+test.value), inputs)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	resolved, err := Parse([]byte(frame+"x"), inputs)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	want := map[string]string{"Given": "from outside", "Default": "by default", "Number": "7", "Items": "a,b,c", "Nothing": ""}
	if diff := cmp.Diff(want, resolved.Parameters); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

func TestURLSuffixOfChina(t *testing.T) {
	t.Parallel()
	in := inputs
	in.Partition, in.Region = "aws-cn", "cn-north-1"
	resolved, err := Parse([]byte(frame+`!Sub "${AWS::URLSuffix} ${Table.Arn}"`), in)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	want := "amazonaws.com.cn arn:aws-cn:dynamodb:cn-north-1:111122223333:table/stack-Table"
	if got := resolved.Outputs["Out"]; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
