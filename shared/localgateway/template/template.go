// Package template reads a SAM template the way CloudFormation would resolve it for one stack.
//
// The local server and the tests take from it what a deployment would have: the routes of the HTTP API, the
// functions with their environment and role, the roles with their rights, the tables and the key. What this
// package doesn't know is an error, never left out in silence: a resource type, an intrinsic function, a
// property of a resource that it reads.
//
// Sources: AWS CloudFormation User Guide, "Intrinsic function reference", "Condition functions", "Pseudo
// parameters reference"; AWS SAM Developer Guide, "Globals section", "AWS::Serverless::Function",
// "AWS::Serverless::HttpApi".
package template

import (
	"errors"
	"fmt"
	"os"
)

// Inputs is what a deployment decides: the stack and the values of the template's parameters.
type Inputs struct {
	// Account is the 12 digits of AWS::AccountId. Required.
	Account string
	// Region is AWS::Region. Required.
	Region string
	// Partition is AWS::Partition; empty means aws.
	Partition string
	// StackName is AWS::StackName. Required.
	StackName string
	// Parameters gives values to the template's parameters; one that isn't named here has its default. A list
	// is one string with commas, as in a deployment. A name that the template doesn't declare is an error.
	Parameters map[string]string
	// Physical names resources by logical id where whoever creates them chose the name or id: a key's id, for
	// example. A resource that isn't named here, and that the template doesn't name, is called
	// `<stack>-<logical id>`; a key gets a UUID made from both. Naming what the template itself names is an error.
	Physical map[string]string
}

// Template is a resolved template. Resources whose condition is false are not in it. Each list is in the order of
// logical ids, and of path and method for routes.
type Template struct {
	APIs      []API
	Routes    []Route
	Functions []Function
	Roles     []Role
	Tables    []Table
	Queues    []Queue
	Schedules []Schedule
	Keys      []Key
	LogGroups []LogGroup
	// Parameters holds the value of every parameter, as given or by default.
	Parameters map[string]string
	// Outputs holds the value of every output whose condition is true.
	Outputs map[string]string
}

// API is one AWS::Serverless::HttpApi.
type API struct {
	LogicalID string
	ID        string
	// Authorizer is the JWT authorizer of every route that isn't public; nil if the API has none.
	Authorizer *JWTAuthorizer
	// CORS is nil when the API doesn't answer cross-origin requests.
	CORS *CORS
	// ThrottlingRate is in requests a second; it and ThrottlingBurst are 0 where the account's quota alone bounds.
	ThrottlingRate  float64
	ThrottlingBurst int
}

// JWTAuthorizer is what API Gateway checks in a token before it calls a function.
type JWTAuthorizer struct {
	Name           string
	Issuer         string
	Audience       []string
	IdentitySource string
}

// CORS is the CorsConfiguration of an HTTP API.
type CORS struct {
	AllowOrigins     []string
	AllowMethods     []string
	AllowHeaders     []string
	ExposeHeaders    []string
	MaxAge           int
	AllowCredentials bool
}

// Route is one event of type HttpApi.
type Route struct {
	// API and Function are logical ids; Event is the event's name within the function.
	API, Function, Event string
	// Method is GET, POST and so on, or ANY. Path has API Gateway's parameters: /v1/providers/{name}.
	Method, Path string
	// Public says that the route has no authorizer.
	Public bool
}

// Key is the route as API Gateway writes it in an event's routeKey: `GET /v1/providers/{name}`.
func (r Route) Key() string { return r.Method + " " + r.Path }

// Function is one AWS::Serverless::Function, with the template's Globals merged in.
type Function struct {
	LogicalID string
	Name      string
	ARN       string
	// Package is the Go package of the executable, relative to the template: `./functions/s3/bootstrap`. It
	// stands in the function's Metadata, beside the BuildMethod.
	Package      string
	Handler      string
	Runtime      string
	Architecture string
	// Role is the name of the role the function runs under; see [Template.Role].
	Role string
	// Environment has every variable that the template declares, those with an empty value too.
	Environment map[string]string
	// MemorySize is in MB, Timeout in seconds.
	MemorySize, Timeout int
	// LogGroup is the name of the log group the function writes to; empty means Lambda's default.
	LogGroup string
	// Queues are those that Lambda polls for the function.
	Queues []QueueEvent
	// OnFailure is the ARN of the queue that takes asynchronous invocations which failed, Retries after the first;
	// empty: nothing does.
	OnFailure string
	Retries   int
}

// QueueEvent is one event of type SQS: an event source mapping.
type QueueEvent struct {
	Event string
	// Queue is the ARN.
	Queue     string
	BatchSize int
	// BatchingWindow is in seconds.
	BatchingWindow int
	// MaximumConcurrency of the function for this queue; 0 leaves it open.
	MaximumConcurrency int
	// BatchItemFailures says that the function reports which messages are to be delivered again.
	BatchItemFailures bool
}

// Role is one AWS::IAM::Role with its inline policies and those that AWS::IAM::RolePolicy resources add to it.
type Role struct {
	// LogicalID is empty for a role that the template only adds policies to.
	LogicalID string
	Name      string
	Path      string
	ARN       string
	// Trust is the trust policy as JSON; empty for a role that the template only adds policies to.
	Trust string
	// Policies are in the order of their names.
	Policies []Policy
	Retained bool
}

// Policy is one inline policy of a role: its name and its document as JSON.
type Policy struct{ Name, Document string }

// Table is one AWS::DynamoDB::Table.
type Table struct {
	LogicalID string
	Name      string
	ARN       string
	// PartitionKey and SortKey are the key's attributes; a table without a sort key has the zero value there.
	PartitionKey, SortKey Attribute
	// TTLAttribute is empty when time to live is off.
	TTLAttribute        string
	PointInTimeRecovery bool
	Retained            bool
}

// Queue is one AWS::SQS::Queue.
type Queue struct {
	LogicalID string
	Name      string
	ARN       string
	URL       string
	// VisibilityTimeout and Retention are in seconds, with SQS's defaults where the template says nothing.
	VisibilityTimeout, Retention int
	// DeadLetters is the ARN of the queue that takes messages received MaxReceives times; empty: none does.
	DeadLetters string
	MaxReceives int
	// Encrypted says that SQS encrypts messages with a key of its own.
	Encrypted bool
}

// Schedule is one AWS::Scheduler::Schedule.
type Schedule struct {
	LogicalID string
	Name      string
	// Expression is cron(...), rate(...) or at(...); Enabled says whether it counts.
	Expression string
	Enabled    bool
	// Window is in minutes; 0: at the time itself.
	Window int
	// Target is the ARN of what is invoked, with Input; Role is the name of the role that does it.
	Target, Input, Role string
	// DeadLetters is the ARN of the queue that takes invocations which could not be made; empty: none does.
	DeadLetters string
}

// Attribute is a key attribute and its type: S, N or B.
type Attribute struct{ Name, Type string }

// Key is one AWS::KMS::Key.
type Key struct {
	LogicalID string
	ID        string
	ARN       string
	// Policy is the key policy as JSON.
	Policy   string
	Rotation bool
	Retained bool
}

// LogGroup is one AWS::Logs::LogGroup.
type LogGroup struct {
	LogicalID string
	Name      string
	ARN       string
	// RetentionDays is 0 when logs never expire.
	RetentionDays int
}

// Load reads the template file at path and resolves it for in.
func Load(path string, in Inputs) (*Template, error) {
	text, err := os.ReadFile(path) //nolint:gosec // whoever runs the local server or a test names the file
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	return Parse(text, in)
}

// Parse resolves a template's text for in. All faults come joined in one error, each with the place it was found at.
func Parse(text []byte, in Inputs) (*Template, error) {
	if err := in.check(); err != nil {
		return nil, fmt.Errorf("resolve template: %w", err)
	}
	document, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	stack, err := newStack(document, in)
	if err != nil {
		return nil, fmt.Errorf("resolve template: %w", err)
	}
	out, err := stack.template()
	if err != nil {
		return nil, fmt.Errorf("resolve template: %w", err)
	}
	return out, nil
}

// Function returns the function with this logical id, and whether there is one.
func (t *Template) Function(logicalID string) (Function, bool) {
	for _, f := range t.Functions {
		if f.LogicalID == logicalID {
			return f, true
		}
	}
	return Function{}, false
}

// Role returns the role with this name, and whether there is one.
func (t *Template) Role(name string) (Role, bool) {
	for _, r := range t.Roles {
		if r.Name == name {
			return r, true
		}
	}
	return Role{}, false
}

func (in Inputs) check() error {
	var faults []error
	for _, required := range [...]struct{ name, value string }{
		{"Account", in.Account}, {"Region", in.Region}, {"StackName", in.StackName},
	} {
		if required.value == "" {
			faults = append(faults, fmt.Errorf("input %s is empty", required.name))
		}
	}
	return errors.Join(faults...)
}
