from workbench.interruption import exit_while_importing

exit_while_importing()
