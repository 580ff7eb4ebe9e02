use super::*;
use crate::Backend;

#[test]
fn keeps_what_every_backend_promises() {
    crate::conformance::check(&mut || {
        let machine = SimulatedMachine::new(1).unwrap();
        Box::new(move || {
            let backend = machine.backend().unwrap();
            assert_eq!(backend.report(), &crate::embedded::RecoveryReport::default());
            Arc::new(backend) as Arc<dyn Backend>
        })
    });
}

#[test]
fn keeps_what_every_backend_promises_where_each_restart_is_a_power_cut() {
    for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn(1), Unsynced::Torn(2)] {
        crate::conformance::check(&mut || {
            let machine = Mutex::new(SimulatedMachine::new(1).unwrap());
            Box::new(move || {
                let mut machine = machine.lock().unwrap();
                machine.restore_power(unsynced);
                let backend = machine.backend().unwrap();
                assert_eq!(backend.report(), &crate::embedded::RecoveryReport::default());
                Arc::new(backend) as Arc<dyn Backend>
            })
        });
    }
}
