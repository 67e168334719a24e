package deployment

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/arngate/arngate/shared/localaws"
	locallambda "github.com/arngate/arngate/shared/localaws/lambda"
	"github.com/arngate/arngate/shared/localgateway/template"
)

// RunSchedules invokes what every schedule of the template that is enabled would invoke when its time has come, as EventBridge
// Scheduler does: through Lambda, under the schedule's role. It returns when the functions have ended.
func (d *Deployment) RunSchedules(ctx context.Context) error {
	for _, s := range d.Template.Schedules {
		if !s.Enabled {
			continue
		}
		if err := d.runSchedule(ctx, s); err != nil {
			return fmt.Errorf("run schedule %s: %w", s.LogicalID, err)
		}
	}
	return nil
}

func (d *Deployment) runSchedule(ctx context.Context, s template.Schedule) error {
	role, ok := d.Template.Role(s.Role)
	if !ok {
		return fmt.Errorf("the template has no role %s", s.Role)
	}
	group := strings.Join([]string{"arn:aws:scheduler", Region, Account, "schedule-group/default"}, ":")
	issued, err := d.options.AWS.AssumeFor("scheduler.amazonaws.com", group, role.ARN, s.Name)
	if err != nil {
		return err
	}
	keys := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentialsOf(issued) })
	answer, err := awslambda.NewFromConfig(d.as(keys)).Invoke(ctx, &awslambda.InvokeInput{FunctionName: &s.Target, Payload: []byte(s.Input)})
	if err != nil {
		return fmt.Errorf("invoke %s: %w", s.Target, err)
	}
	if answer.FunctionError != nil {
		return fmt.Errorf("invoke %s: %s", s.Target, answer.Payload)
	}
	return nil
}

// registerScheduled makes what schedules invoke callable in the local AWS's Lambda. Each invocation has an instance of its own.
func (d *Deployment) registerScheduled() error {
	for _, s := range d.Template.Schedules {
		for _, f := range d.Template.Functions {
			if f.ARN != s.Target {
				continue
			}
			err := d.options.AWS.Lambda().Register(Account, Region, locallambda.Function{
				Name: f.Name, Timeout: time.Duration(f.Timeout) * time.Second, MemoryMB: f.MemorySize,
				Run: func(ctx context.Context, in locallambda.Invocation) ([]byte, error) {
					handler, err := d.Instance(ctx, f.LogicalID)
					if err != nil {
						return nil, err
					}
					return handler.Invoke(ctx, in.Payload)
				},
			})
			if err != nil {
				return fmt.Errorf("register %s: %w", f.LogicalID, err)
			}
		}
	}
	return nil
}

// as is a configuration for SDK clients of somebody in the gateway's own account.
func (d *Deployment) as(keys aws.CredentialsProvider) aws.Config {
	cfg := aws.Config{Region: Region, BaseEndpoint: &d.options.AWSEndpoint, Credentials: aws.NewCredentialsCache(keys)}
	if d.options.Transport != nil {
		cfg.HTTPClient = &http.Client{Transport: d.options.Transport}
	}
	return cfg
}

// credentialsOf are credentials that the local AWS has issued, as the SDK takes them.
func credentialsOf(issued localaws.Credentials) (aws.Credentials, error) {
	expires, err := time.Parse(time.RFC3339, issued.Expiration)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("read expiration: %w", err)
	}
	return aws.Credentials{
		AccessKeyID: issued.AccessKeyID, SecretAccessKey: issued.SecretAccessKey, SessionToken: issued.SessionToken,
		CanExpire: true, Expires: expires,
	}, nil
}
