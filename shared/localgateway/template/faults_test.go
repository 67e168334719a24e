package template

import (
	"strings"
	"testing"
)

// small is a whole template of every kind of resource that the package reads. Tests change one thing in it.
const small = `Transform: AWS::Serverless-2016-10-31
Parameters:
  Size: {Type: Number, Default: 512, AllowedValues: [256, 512]}
  Word: {Type: String, Default: abc, AllowedPattern: "[a-z]+"}
Conditions:
  Yes: !Equals [a, a]
Globals:
  Function:
    Runtime: provided.al2023
    Architectures: [arm64]
    MemorySize: !Ref Size
    Environment: {Variables: {SHARED: shared, OWN: global}}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Token
        Authorizers:
          Token:
            JwtConfiguration: {issuer: https://issuer.example, audience: [a, b]}
  Files:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: makefile, Package: ./functions/files/bootstrap}
    Properties:
      Role: !GetAtt Role.Arn
      Timeout: "29"
      Environment: {Variables: {OWN: mine, COUNT: 3, EMPTY: ""}}
      Events:
        Get: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: get, Path: "/files/{name}"}}
        Health: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /health, Auth: {Authorizer: NONE}}}
  Role:
    Type: AWS::IAM::Role
    DeletionPolicy: Retain
    Properties:
      RoleName: role
      Path: /path/
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: []}
      Policies:
        - {PolicyName: z, PolicyDocument: {Version: "2012-10-17", Statement: []}}
  More:
    Type: AWS::IAM::RolePolicy
    Properties: {PolicyName: a, RoleName: !Ref Role, PolicyDocument: {Statement: [{Effect: Allow, Action: a:B, Resource: !GetAtt Table.Arn}]}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub ${AWS::StackName}-items
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: sk, AttributeType: N}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
  Key:
    Type: AWS::KMS::Key
    Properties: {EnableKeyRotation: true, KeyPolicy: {Statement: []}}
  Logs:
    Type: AWS::Logs::LogGroup
    Condition: Yes
    Properties: {RetentionInDays: 14}
`

func TestFaultsAreNeverSilent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, from, to, want string }{
		{"another transform", "AWS::Serverless-2016-10-31", "AWS::Other", "Transform: want AWS::Serverless-2016-10-31"},
		{"unknown section", "Conditions:", "Mappings: {}\nConditions:", "Mappings: unknown section"},
		{"unknown global", "  Function:\n", "  Api: {}\n  Function:\n", "Globals/Api"},
		{"unknown resource type", "AWS::Logs::LogGroup", "AWS::SNS::Topic", `Resources/Logs: unknown resource type "AWS::SNS::Topic"`},
		{"unknown entry of a resource", "    Condition: Yes", "    CreationPolicy: x", "CreationPolicy: unknown entry"},
		{"unknown property of a function", "      Timeout:", "      Layers: []\n      Timeout:", `unknown field "Layers"`},
		{"unknown property of a role", "      Path: /path/", "      PermissionsBoundary: x", `unknown field "PermissionsBoundary"`},
		{"unknown property of a table", "      TableName:", "      GlobalSecondaryIndexes: []\n      TableName:", "GlobalSecondaryIndexes"},
		{"unknown property of a route", "Method: get,", "Method: get, TimeoutInMillis: 1,", "TimeoutInMillis"},
		{"another event", "Health: {Type: HttpApi", "Health: {Type: Api", `Events/Health: unknown event type "Api"`},
		{"an authorizer of its own", "Authorizer: NONE", "Authorizer: Other", "an authorizer of its own"},
		{"a route twice", "Path: /health", "Path: \"/files/{name}\"", "GET /files/{name} is there twice"},
		{"a route of no API", "{ApiId: !Ref Api, Method: get", "{ApiId: other, Method: get", "ApiId names no HTTP API"},
		{"no build method", "BuildMethod: makefile, ", "", "want BuildMethod makefile and a Package"},
		{"no package", ", Package: ./functions/files/bootstrap", "", "want BuildMethod makefile and a Package"},
		{"no role", "      Role: !GetAtt Role.Arn\n", "", "Role: want the ARN of a role"},
		{"a role with no rights here", "Role: !GetAtt Role.Arn", "Role: arn:aws:iam::111122223333:role/other", "its role other is none of the template's"},
		{"two architectures", "[arm64]", "[arm64, x86_64]", "Architectures: want one"},
		{"no default authorizer", "DefaultAuthorizer: Token", "DefaultAuthorizer: Other", "want one authorizer, and it the default"},
		{"a number that is none", `"29"`, `"soon"`, "read number"},
		{"a key without definition", "AttributeName: sk, AttributeType: N", "AttributeName: other, AttributeType: N", "sk has no attribute definition"},
		{"an unknown key type", "KeyType: RANGE", "KeyType: SORT", `unknown key type "SORT"`},
		{"a name twice", "      RoleName: role", "      RoleName: role\n      RoleName: again", "RoleName is there twice"},
		{"a policy without a role", "RoleName: !Ref Role, ", "", "want PolicyName and RoleName"},
		{"a fault in a policy", "!GetAtt Table.Arn", "!GetAtt Tables.Arn", "Tables is no parameter"},
		{"a circle of conditions", "Yes: !Equals [a, a]", "Yes: !Not [!Condition Yes]", "condition Yes depends on itself"},
		{"a circle of names", "TableName: !Sub ${AWS::StackName}-items", "TableName: !Ref Table", "the name of Table depends on itself"},
		{"a value outside the allowed ones", "Default: 512", "Default: 300", "Parameters/Size: the value is none of the allowed ones"},
		{"a value outside the pattern", "Default: abc", "Default: ABC", "Parameters/Word: the value doesn't match"},
		{"an unknown parameter type", "Word: {Type: String", "Word: {Type: AWS::SSM::Parameter::Name", "unknown parameter type"},
		{"no value", "{Type: String, Default: abc,", "{Type: String,", "no value is given"},
		{"no map", "Resources:\n", "Resources: []\nOther:\n", "Resources: want a map"},
		{"no YAML", "Transform:", "\tTransform:", "read YAML"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(small, test.from) {
				t.Fatalf("the template doesn't have %q", test.from)
			}
			_, err := Parse([]byte(strings.Replace(small, test.from, test.to, 1)), inputsOf(nil))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestAllFaultsComeTogether(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("!GetAtt Table.Arn", "!GetAtt Tables.Arn", `"29"`, `"soon"`).Replace(small)
	_, err := Parse([]byte(text), inputsOf(nil))
	for _, want := range []string{"Resources/More", "Resources/Files"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func TestInputFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		in   Inputs
		want string
	}{
		{"nothing", Inputs{}, "input Account is empty"},
		{"a parameter that isn't declared", inputsOf(func(in *Inputs) { in.Parameters = map[string]string{"Words": "x"} }), "Parameters/Words: the template doesn't declare it"},
		{"a physical name of nothing", inputsOf(func(in *Inputs) { in.Physical = map[string]string{"Tables": "x"} }), "physical name of Tables"},
		{"a physical name of what has one", inputsOf(func(in *Inputs) { in.Physical = map[string]string{"Table": "x"} }), "the template names it itself"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(small), test.in)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func inputsOf(change func(*Inputs)) Inputs {
	in := Inputs{Account: "111122223333", Region: "eu-central-1", StackName: "stack"}
	if change != nil {
		change(&in)
	}
	return in
}
